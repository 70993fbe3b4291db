// The interactive model of a report. Runs in the page, after three.js; the data is in the element model-data
// (plugin/report/report_model.cc writes it). Nothing is loaded from anywhere.
(function () {
'use strict';
const root = document.getElementById('model');
const data = JSON.parse(document.getElementById('model-data').textContent);
const find = (name) => root.querySelector('[data-part=' + name + ']');
const canvas = find('canvas'), status = find('status'), chooser = find('chooser'), card = find('card');

// Blue, orange and yellow of Okabe and Ito: told apart with any kind of colour vision. What is chosen is also filled,
// its partners also larger, so that no colour alone says it. The ground is dark on light pages too: photos have white
// walls and skies, whose points would not be seen.
const COLOURS = {ground: 0x1f252d, camera: 0x56b4e9, chosen: 0xe69f00, partner: 0xf0e442};

let renderer;
try {
  renderer = new THREE.WebGLRenderer({canvas: canvas, antialias: true, preserveDrawingBuffer: true});
} catch (error) {
  // The still picture stays in sight.
  find('note').textContent = 'This browser offers no WebGL, which the interactive view needs.';
  return;
}
root.classList.add('live');

const scene = new THREE.Scene();
scene.background = new THREE.Color(COLOURS.ground);
const eye = new THREE.PerspectiveCamera(50, 1, 0.01, 200);
const controls = new THREE.OrbitControls(eye, canvas);
controls.enableZoom = false;  // until the view has the focus: a page that is scrolled past it must not zoom
controls.screenSpacePanning = true;
controls.minDistance = 0.02;
controls.maxDistance = 60;

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// --- points: 16 bits a coordinate over [-reach, reach], 8 bits a colour ---
const steps = new Uint16Array(bytesOf(data.positions).buffer);
const positions = new Float32Array(steps.length);
for (let i = 0; i < steps.length; ++i) positions[i] = (steps[i] / 65535 * 2 - 1) * data.reach;
const geometry = new THREE.BufferGeometry();
geometry.setAttribute('position', new THREE.BufferAttribute(positions, 3));
geometry.setAttribute('color', new THREE.BufferAttribute(bytesOf(data.colors), 3, true));
const numPoints = positions.length / 3;
// Few points are drawn larger, so that there is something to see.
const pointSize = Math.min(0.03, Math.max(0.006, 1 / Math.sqrt(numPoints + 1)));
const material = new THREE.PointsMaterial({size: pointSize, vertexColors: true, sizeAttenuation: true});
find('point-size').value = pointSize;
const points = new THREE.Points(geometry, material);
points.frustumCulled = false;
scene.add(points);

// --- cameras ---
const EDGES = [[0, 1], [1, 2], [2, 3], [3, 0], [4, 0], [4, 1], [4, 2], [4, 3]];
const FACES = [0, 1, 4, 1, 2, 4, 2, 3, 4, 3, 0, 4];
let size = 0.09;
function cornersOf(camera, factor) {
  const out = [];
  for (let c = 0; c < 4; ++c) {
    out.push([0, 1, 2].map((a) => camera.center[a] + size * factor * camera.corners[3 * c + a]));
  }
  out.push(camera.center);
  return out;
}
const group = new THREE.Group();
scene.add(group);
const partners = new Map();  // of a camera's image: [image, inliers] of those it is verified with, most inliers first
for (const [i, j, inliers] of data.pairs) {
  for (const [a, b] of [[i, j], [j, i]]) {
    if (!partners.has(a)) partners.set(a, []);
    partners.get(a).push([b, inliers]);
  }
}
for (const list of partners.values()) list.sort((a, b) => b[1] - a[1]);
const cameraOf = new Map(data.cameras.map((camera) => [camera.image, camera]));
let chosen = null;

function lines(list, factor, colour, width) {
  const flat = [];
  for (const camera of list) {
    const corners = cornersOf(camera, factor);
    for (const [a, b] of EDGES) flat.push(...corners[a], ...corners[b]);
  }
  return segments(flat, colour, width);
}
function segments(flat, colour, opacity) {
  const g = new THREE.BufferGeometry();
  g.setAttribute('position', new THREE.Float32BufferAttribute(flat, 3));
  const m = new THREE.LineBasicMaterial({color: colour, transparent: opacity < 1, opacity: opacity});
  const object = new THREE.LineSegments(g, m);
  object.frustumCulled = false;
  return object;
}
function pyramid(camera, factor, colour) {
  const g = new THREE.BufferGeometry();
  g.setAttribute('position', new THREE.Float32BufferAttribute(cornersOf(camera, factor).flat(), 3));
  g.setIndex(FACES);
  return new THREE.Mesh(g, new THREE.MeshBasicMaterial({color: colour, side: THREE.DoubleSide}));
}
function rebuild() {
  for (const object of group.children.slice()) {
    group.remove(object);
    object.geometry.dispose();
    object.material.dispose();
  }
  if (find('cameras').checked) group.add(lines(data.cameras, 1, COLOURS.camera, 1));
  if (chosen) {
    group.add(pyramid(chosen, 1.3, COLOURS.chosen));
    const others = (partners.get(chosen.image) || []).map((p) => cameraOf.get(p[0])).filter(Boolean);
    group.add(lines(others, 1.6, COLOURS.partner, 1));
    const flat = [];
    for (const other of others) flat.push(...chosen.center, ...other.center);
    group.add(segments(flat, COLOURS.partner, 0.7));
  }
  draw();
}

// --- drawing, only when something has changed ---
let waiting = false;
function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    renderer.render(scene, eye);
  });
}
function resize() {
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (width === 0 || height === 0) return;
  renderer.setPixelRatio(Math.min(window.devicePixelRatio || 1, 2));
  renderer.setSize(width, height, false);
  eye.aspect = width / height;
  eye.updateProjectionMatrix();
  draw();
}
function reset() {
  const far = data.cameras.map((c) => Math.hypot(...c.center)).sort((a, b) => a - b);
  const extent = far.length ? Math.min(4, far[Math.floor(far.length * 0.9)] || 1) : 1;
  const narrow = Math.max(1, 1 / (eye.aspect || 1));
  eye.position.set(...data.eye).multiplyScalar(Math.max(1, 0.75 * extent) * narrow);
  controls.target.set(0, 0, 0);
  controls.update();
  draw();
}

// --- choosing a camera ---
function choose(camera, told) {
  chosen = camera;
  chooser.value = camera ? String(camera.image) : '';
  card.replaceChildren();
  if (!camera) {
    status.textContent = data.names.length ? 'No camera is chosen.' : '';
  } else {
    const name = data.names[camera.image], list = partners.get(camera.image) || [];
    status.textContent = name + ': verified with ' + list.length + (list.length === 1 ? ' photo.' : ' photos.');
    const title = document.createElement('h3');
    title.textContent = name;
    card.append(title);
    if (camera.photo) {
      const picture = document.createElement('img');
      picture.src = 'data:image/jpeg;base64,' + camera.photo;
      picture.alt = name;
      card.append(picture);
    }
    const items = document.createElement('ol');
    for (const [other, inliers] of list) {
      const item = document.createElement('li'), target = cameraOf.get(other);
      const part = document.createElement(target ? 'button' : 'span');
      part.textContent = data.names[other];
      if (target) part.addEventListener('click', () => choose(target));
      item.append(part, ' ' + inliers + ' inliers' + (target ? '' : ', not in this model'));
      items.append(item);
    }
    card.append(items);
  }
  rebuild();
}
function pick(x, y, reach) {
  const box = canvas.getBoundingClientRect(), at = new THREE.Vector3();
  let best = null, nearest = reach;
  for (const camera of data.cameras) {
    const corners = cornersOf(camera, 1);
    at.set(0, 0, 0);
    for (const corner of corners) at.add(new THREE.Vector3(...corner));
    at.divideScalar(corners.length).project(eye);
    if (at.z > 1) continue;
    const distance = Math.hypot((at.x + 1) / 2 * box.width - x, (1 - at.y) / 2 * box.height - y);
    if (distance < nearest) {
      nearest = distance;
      best = camera;
    }
  }
  return best;
}
let down = null;
canvas.addEventListener('pointerdown', (event) => {
  canvas.focus({preventScroll: true});
  down = [event.clientX, event.clientY];
});
canvas.addEventListener('pointerup', (event) => {
  if (!down || Math.hypot(event.clientX - down[0], event.clientY - down[1]) > 6) return;
  const box = canvas.getBoundingClientRect();
  const camera = pick(event.clientX - box.left, event.clientY - box.top, event.pointerType === 'touch' ? 32 : 18);
  if (camera || chosen) choose(camera);
});
canvas.addEventListener('focus', () => { controls.enableZoom = true; });
canvas.addEventListener('blur', () => { controls.enableZoom = false; });

// --- keys ---
function turn(right, up) {
  const offset = eye.position.clone().sub(controls.target);
  const at = new THREE.Spherical().setFromVector3(offset);
  at.theta -= right;
  at.phi = Math.min(Math.PI - 0.01, Math.max(0.01, at.phi - up));
  eye.position.copy(controls.target).add(offset.setFromSpherical(at));
}
function move(right, up) {
  const far = eye.position.distanceTo(controls.target) * 0.06;
  const step = new THREE.Vector3(right * far, up * far, 0).applyQuaternion(eye.quaternion);
  eye.position.add(step);
  controls.target.add(step);
}
function zoom(factor) {
  eye.position.sub(controls.target).multiplyScalar(factor).add(controls.target);
}
function next(step) {
  if (data.cameras.length === 0) return;
  const at = chosen ? data.cameras.indexOf(chosen) : (step > 0 ? -1 : 0);
  choose(data.cameras[(at + step + data.cameras.length) % data.cameras.length]);
}
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
canvas.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = ARROWS[event.key];
  if (arrow && event.shiftKey) move(arrow[0], arrow[1]);
  else if (arrow) turn(arrow[0] * 0.08, arrow[1] * 0.08);
  else if (event.key === '+' || event.key === '=') zoom(0.9);
  else if (event.key === '-') zoom(1 / 0.9);
  else if (event.key === 'n') next(1);
  else if (event.key === 'p') next(-1);
  else if (event.key === 'r') reset();
  else if (event.key === 'Escape') choose(null);
  else return;
  event.preventDefault();
  controls.update();
  draw();
});

// --- the controls below the view ---
function option(value, text) {
  const element = document.createElement('option');
  element.value = value;
  element.textContent = text;
  return element;
}
chooser.append(option('', 'choose a photo'));
for (const camera of data.cameras) chooser.append(option(String(camera.image), data.names[camera.image]));
chooser.addEventListener('change', () => choose(cameraOf.get(Number(chooser.value)) || null));
find('cameras').addEventListener('change', rebuild);
find('reset').addEventListener('click', reset);
find('camera-size').addEventListener('input', (event) => { size = Number(event.target.value); rebuild(); });
find('point-size').addEventListener('input', (event) => { material.size = Number(event.target.value); draw(); });
const amount = find('amount');
function show() {
  const count = Math.round(numPoints * Number(amount.value) / 100);
  geometry.setDrawRange(0, count);
  find('shown').textContent = count.toLocaleString('en') + ' of ' + data.count.toLocaleString('en') + ' points';
  draw();
}
// A phone draws fewer at first.
const small = window.matchMedia('(max-width: 600px)').matches && numPoints > 50000;
amount.value = small ? Math.ceil(100 * 50000 / numPoints) : 100;
amount.addEventListener('input', show);

controls.addEventListener('change', draw);
new ResizeObserver(resize).observe(canvas);
resize();
reset();
show();
choose(null);
})();
