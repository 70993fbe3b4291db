// Scenes of rectangles; see planar_scene.h.
#include "training/data/planar_scene.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

namespace colmatch {
namespace {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;  // rows

constexpr double kDegree = 3.14159265358979323846 / 180;

Vector operator+(const Vector& a, const Vector& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }
Vector operator*(double s, const Vector& a) { return {s * a[0], s * a[1], s * a[2]}; }
double Dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Vector operator*(const Matrix& m, const Vector& v) { return {Dot(m[0], v), Dot(m[1], v), Dot(m[2], v)}; }
Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix r;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) r[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
  }
  return r;
}

// Rotation about axis 0, 1 or 2.
Matrix Turn(int axis, double angle) {
  Matrix r = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  const int a = (axis + 1) % 3, b = (axis + 2) % 3;
  r[a][a] = r[b][b] = std::cos(angle);
  r[a][b] = -std::sin(angle);
  r[b][a] = std::sin(angle);
  return r;
}

// In space, units of the first camera's distance from the scene's middle, which is the origin; z points away
// from that camera.
struct Plane {
  size_t photo = 0;
  Vector origin, per_x, per_y;  // a place (x, y) of the photo is at origin + x * per_x + y * per_y
  double x0, y0, x1, y1;
};

struct Camera {
  Matrix rotation;  // camera from scene
  Vector translation;
  double focal, cx, cy;  // pixels
};

// The part [x0, x1] x [y0, y1] of the photo as a rectangle around a centre, so wide, tilted so.
Plane MakePlane(size_t photo, const std::array<double, 4>& part, const Vector& centre, double width,
                const Matrix& tilt) {
  Plane plane;
  plane.photo = photo;
  std::tie(plane.x0, plane.y0, plane.x1, plane.y1) = std::tie(part[0], part[1], part[2], part[3]);
  const double scale = width / (plane.x1 - plane.x0);
  plane.per_x = tilt * Vector{scale, 0, 0};
  plane.per_y = tilt * Vector{0, scale, 0};
  plane.origin =
      centre + (-(plane.x0 + plane.x1) / 2) * plane.per_x + (-(plane.y0 + plane.y1) / 2) * plane.per_y;
  return plane;
}

Matrix RandomTilt(double max_deg, Rng& rng) {
  const double a = max_deg * kDegree;
  return Turn(1, rng.Uniform(-a, a)) *
         (Turn(0, rng.Uniform(-a, a)) * Turn(2, rng.Uniform(-0.5 * a, 0.5 * a)));
}

Camera RandomCamera(int width, int height, double focal, const PlanarSceneOptions& o, Rng& rng) {
  const double turn = o.max_turn_deg * kDegree, roll = o.max_roll_deg * kDegree;
  const double distance = std::exp(rng.Uniform(-0.5, 0.5) * std::log(o.max_distance_ratio));
  const Vector aim = {rng.Uniform(-0.12, 0.12), rng.Uniform(-0.12, 0.12), 0};
  Camera camera;
  camera.rotation = Turn(2, rng.Uniform(-roll, roll)) *
                    (Turn(0, rng.Uniform(-0.5 * turn, 0.5 * turn)) * Turn(1, rng.Uniform(-turn, turn)));
  camera.translation = Vector{0, 0, distance} + -1.0 * (camera.rotation * aim);
  camera.focal = focal;
  camera.cx = (width - 1) / 2.0;
  camera.cy = (height - 1) / 2.0;
  return camera;
}

PlaneInView Seen(const Plane& plane, const Camera& camera) {
  const Vector columns[3] = {camera.rotation * plane.per_x, camera.rotation * plane.per_y,
                             camera.rotation * plane.origin + camera.translation};
  PlaneInView seen;
  for (int j = 0; j < 3; ++j) {
    const Vector& c = columns[j];
    seen.view_from_plane.m[j] = camera.focal * c[0] + camera.cx * c[2];
    seen.view_from_plane.m[3 + j] = camera.focal * c[1] + camera.cy * c[2];
    seen.view_from_plane.m[6 + j] = c[2];
  }
  std::tie(seen.x0, seen.y0, seen.x1, seen.y1) = std::tie(plane.x0, plane.y0, plane.x1, plane.y1);
  return seen;
}

// A part of the photo, a share of each side.
std::array<double, 4> PartOf(const ShardPhoto& photo, double share, Rng& rng) {
  const double w = photo.width - 1, h = photo.height - 1;
  const double x0 = rng.Uniform(0, (1 - share) * w), y0 = rng.Uniform(0, (1 - share) * h);
  return {x0, y0, x0 + share * w, y0 + share * h};
}

// Seen exactly from the side a plane is a line and has no inverse.
bool IsUsable(const PlaneInView& plane) {
  const auto& m = plane.view_from_plane.m;
  const double determinant = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
                             m[2] * (m[3] * m[7] - m[4] * m[6]);
  return std::abs(determinant) > 1e-9;
}

std::vector<Plane> RandomPlanes(const std::vector<const ShardPhoto*>& photos, double view_width,
                                const PlanarSceneOptions& o, Rng& rng) {
  const auto draw = [&] { return static_cast<size_t>(rng.Below(static_cast<int64_t>(photos.size()))); };
  std::vector<Plane> planes;
  const size_t far = draw();
  planes.push_back(MakePlane(far, PartOf(*photos[far], 1, rng), {0, 0, rng.Uniform(0.1, 0.8)},
                             view_width * rng.Uniform(1.5, 2.2), RandomTilt(0.6 * o.max_tilt_deg, rng)));
  const int64_t objects = 1 + rng.Below(o.max_objects);
  for (int64_t i = 0; i < objects; ++i) {
    const size_t photo = draw();
    const double share = rng.Uniform(0.4, 1);
    const Vector centre = {view_width * rng.Uniform(-0.45, 0.45),
                           0.75 * view_width * rng.Uniform(-0.45, 0.45), rng.Uniform(-0.35, 0.1)};
    planes.push_back(MakePlane(photo, PartOf(*photos[photo], share, rng), centre,
                               view_width * share * rng.Uniform(0.4, 0.9), RandomTilt(o.max_tilt_deg, rng)));
  }
  return planes;
}

}  // namespace

SceneGeometry::SceneGeometry(SceneView planes) : planes_(std::move(planes)) {
  for (const PlaneInView& plane : planes_) plane_from_view_.push_back(plane.view_from_plane.Inverse());
}

ScenePoint SceneGeometry::At(Point2 pixel) const {
  ScenePoint nearest;
  double largest = 0;  // of 1 / depth
  for (size_t i = 0; i < planes_.size(); ++i) {
    const auto& m = plane_from_view_[i].m;
    const double inverse_depth = m[6] * pixel.x + m[7] * pixel.y + m[8];
    if (inverse_depth <= largest) continue;
    const Point2 place = plane_from_view_[i].Apply(pixel);
    const PlaneInView& plane = planes_[i];
    if (place.x < plane.x0 || place.x > plane.x1 || place.y < plane.y0 || place.y > plane.y1) continue;
    largest = inverse_depth;
    nearest = {static_cast<int>(i), place};
  }
  return nearest;
}

PlanarScene SampleScene(const std::vector<const ShardPhoto*>& photos, int num_views, int width, int height,
                        const PlanarSceneOptions& options, Rng& rng) {
  const double focal = width * rng.Uniform(0.8, 1.4);
  for (;;) {
    const std::vector<Plane> planes = RandomPlanes(photos, width / focal, options, rng);
    PlanarScene scene;
    for (const Plane& plane : planes) scene.photos.push_back(plane.photo);
    bool usable = true;
    for (int v = 0; v < num_views; ++v) {
      const Camera camera = RandomCamera(width, height, focal, options, rng);
      SceneView view;
      for (const Plane& plane : planes) view.push_back(Seen(plane, camera));
      usable = usable && std::all_of(view.begin(), view.end(), IsUsable);
      scene.views.push_back(std::move(view));
    }
    if (usable) return scene;
  }
}

FloatImage RenderView(const SceneView& view, const std::vector<FloatImage>& textures, int width, int height) {
  const SceneGeometry geometry(view);
  FloatImage image{width, height, std::vector<float>(static_cast<size_t>(width) * height)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const ScenePoint point = geometry.At({static_cast<double>(x), static_cast<double>(y)});
      image.row(y)[x] = point.plane < 0 ? 0.4f + 0.2f * static_cast<float>(y) / static_cast<float>(height)
                                        : SampleBilinear(textures[point.plane], point.place.x, point.place.y);
    }
  }
  return image;
}

}  // namespace colmatch
