// Ray casting, painting and baked light of the demo scene; see demo_geometry.h.
#include "plugin/demo/demo_geometry.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <utility>

namespace colmatch {
namespace {

constexpr float kSurfaceOffset = 2e-3f;  // metres a secondary ray starts above its surface
const cv::Vec3f kSun = cv::normalize(cv::Vec3f(-0.55f, -0.62f, 0.72f));

// How a face's picture lies on the box: picture x runs along axis `x` (from lo if x_up), y (down) along `y`.
struct FaceLayout {
  int x, y;
  bool x_up, y_up;
};
constexpr FaceLayout kFaces[6] = {{2, 1, true, false}, {2, 1, false, false}, {0, 2, true, false},
                                  {0, 2, true, true},  {0, 1, false, false}, {0, 1, true, false}};

cv::Size FaceSize(const DemoBox& box, int face, double pixels_per_meter) {
  const cv::Vec3f extent = box.hi - box.lo;
  return {std::max(2, cvRound(extent[kFaces[face].x] * pixels_per_meter)),
          std::max(2, cvRound(extent[kFaces[face].y] * pixels_per_meter))};
}

// Entry of the ray into [lo, hi]: false if it misses or starts inside. Directions have no exact zero.
bool EnterBox(const cv::Vec3f& origin, const cv::Vec3f& inverse, const cv::Vec3f& lo, const cv::Vec3f& hi,
              float* enter, float* leave, int* axis) {
  *enter = -std::numeric_limits<float>::infinity();
  *leave = std::numeric_limits<float>::infinity();
  for (int a = 0; a < 3; ++a) {
    float near = (lo[a] - origin[a]) * inverse[a], far = (hi[a] - origin[a]) * inverse[a];
    if (near > far) std::swap(near, far);
    if (near > *enter) {
      *enter = near;
      *axis = a;
    }
    *leave = std::min(*leave, far);
  }
  return *leave > std::max(*enter, 0.0f);
}

cv::Vec3f NoZero(cv::Vec3f direction) {
  for (int a = 0; a < 3; ++a) {
    if (std::abs(direction[a]) < 1e-9f) direction[a] = 1e-9f;
  }
  return direction;
}

// The nearest box of one group: only boxes that the ray's way through the group can touch are tested.
void CastIntoGroup(const DemoGroup& group, const cv::Vec3f& origin, const cv::Vec3f& direction,
                   int group_index, DemoHit* best) {
  const cv::Vec3f o = group.frame.Rotate(origin - group.frame.origin);
  const cv::Vec3f d = NoZero(group.frame.Rotate(direction));
  const cv::Vec3f inverse(1 / d[0], 1 / d[1], 1 / d[2]);
  float enter, leave;
  int axis = 0;
  if (!EnterBox(o, inverse, group.lo, group.hi, &enter, &leave, &axis) || enter > best->distance_m) return;
  const cv::Vec3f a = o + std::max(enter, 0.0f) * d, b = o + std::min(leave, best->distance_m) * d;
  for (size_t i = 0; i < group.boxes.size(); ++i) {
    const DemoBox& box = group.boxes[i];
    if (std::max(a[0], b[0]) < box.lo[0] || std::min(a[0], b[0]) > box.hi[0] ||
        std::max(a[1], b[1]) < box.lo[1] || std::min(a[1], b[1]) > box.hi[1]) {
      continue;
    }
    if (!EnterBox(o, inverse, box.lo, box.hi, &enter, &leave, &axis) || enter <= 0 ||
        enter >= best->distance_m) {
      continue;
    }
    if (box.keep_side != 0 && (origin[0] + enter * direction[0]) * float(box.keep_side) < 0) continue;
    best->distance_m = enter;
    best->group = group_index;
    best->box = int(i);
    best->face = 2 * axis + (d[axis] < 0 ? 1 : 0);
  }
}

// Bilinear, edges repeated.
cv::Vec3f Sample(const cv::Mat& image, float x, float y) {
  x = std::clamp(x, 0.0f, float(image.cols - 1));
  y = std::clamp(y, 0.0f, float(image.rows - 1));
  const int x0 = std::min(int(x), image.cols - 2), y0 = std::min(int(y), image.rows - 2);
  const float fx = x - float(x0), fy = y - float(y0);
  const cv::Vec3b* top = image.ptr<cv::Vec3b>(y0) + x0;
  const cv::Vec3b* bottom = image.ptr<cv::Vec3b>(y0 + 1) + x0;
  cv::Vec3f color;
  for (int c = 0; c < 3; ++c) {
    color[c] = (1 - fy) * ((1 - fx) * top[0][c] + fx * top[1][c]) +
               fy * ((1 - fx) * bottom[0][c] + fx * bottom[1][c]);
  }
  return color;
}

}  // namespace

DemoScene::DemoScene(std::vector<DemoGroup> groups, double pixels_per_meter, uint64_t seed)
    : groups_(std::move(groups)), pixels_per_meter_(pixels_per_meter) {
  for (DemoGroup& group : groups_) {
    group.lo = group.boxes.at(0).lo;
    group.hi = group.boxes.at(0).hi;
    for (const DemoBox& box : group.boxes) {
      for (int a = 0; a < 3; ++a) {
        group.lo[a] = std::min(group.lo[a], box.lo[a]);
        group.hi[a] = std::max(group.hi[a], box.hi[a]);
      }
    }
  }
  cv::RNG rng(seed ^ 0x5eed);
  clouds_ = FractalNoise({1024, 1024}, 300, rng);
  Paint(seed);
  Light();
}

std::optional<DemoHit> DemoScene::Cast(const cv::Vec3f& origin, const cv::Vec3f& direction,
                                       float max_distance_m) const {
  DemoHit hit;
  hit.distance_m = max_distance_m;
  for (size_t g = 0; g < groups_.size(); ++g) CastIntoGroup(groups_[g], origin, direction, int(g), &hit);
  if (hit.group < 0) return std::nullopt;
  const DemoGroup& group = groups_[hit.group];
  const DemoBox& box = group.boxes[hit.box];
  const FaceLayout& layout = kFaces[hit.face];
  hit.point = origin + hit.distance_m * direction;
  hit.normal = group.frame.axes[hit.face / 2] * (hit.face % 2 == 1 ? 1.0f : -1.0f);
  const cv::Vec3f local = group.frame.Rotate(hit.point - group.frame.origin);
  hit.x_m = layout.x_up ? local[layout.x] - box.lo[layout.x] : box.hi[layout.x] - local[layout.x];
  hit.y_m = layout.y_up ? local[layout.y] - box.lo[layout.y] : box.hi[layout.y] - local[layout.y];
  return hit;
}

cv::Vec3f DemoScene::Color(const DemoHit& hit, const cv::Vec3f& direction, float footprint_m) const {
  const std::vector<cv::Mat>& levels = groups_[hit.group].boxes[hit.box].faces[hit.face];
  if (levels.empty()) return {90, 95, 100};
  const float facing = std::max(0.1f, std::abs(hit.normal.dot(direction)));
  // Between the two axes of the stretched footprint: sharper than the long one, calmer than the short one.
  const float texels = footprint_m * float(pixels_per_meter_) / std::sqrt(facing);
  const int level = std::clamp(int(std::floor(std::log2(std::max(texels, 1.0f)))), 0, int(levels.size()) - 1);
  const float scale = float(pixels_per_meter_) / float(1 << level);
  return Sample(levels[level], hit.x_m * scale - 0.5f, hit.y_m * scale - 0.5f);
}

cv::Vec3f DemoScene::SkyColor(const cv::Vec3f& direction) const {
  const float height = direction[2];
  if (height < 0) return {160, 168, 168};
  const float reach = 300.0f / (height + 0.25f);
  const auto mirrored = [this](float at) {
    const float period = 2.0f * float(clouds_.cols - 2);
    at = std::fmod(std::abs(at), period);
    return std::min(at, period - at);
  };
  const float x = mirrored(direction[0] * reach + 140), y = mirrored(direction[1] * reach + 60);
  const float* row = clouds_.ptr<float>(int(y)) + int(x);
  const float fx = x - std::floor(x), fy = y - std::floor(y);
  const float* below = row + clouds_.step1();
  const float noise =
      (1 - fy) * ((1 - fx) * row[0] + fx * row[1]) + fy * ((1 - fx) * below[0] + fx * below[1]);
  const float cloud = std::clamp(0.5f * noise + 0.15f, 0.0f, 0.85f);
  const float up = std::min(1.0f, height * 1.6f);
  const cv::Vec3f blue = cv::Vec3f(232, 212, 186) * (1 - up) + cv::Vec3f(214, 150, 92) * up;
  return blue * (1 - cloud) + cv::Vec3f(250, 248, 246) * cloud;
}

void DemoScene::Paint(uint64_t seed) {
  uint64_t counter = 0;
  std::vector<std::pair<DemoCanvas, std::pair<DemoBox*, int>>> jobs;
  for (DemoGroup& group : groups_) {
    for (DemoBox& box : group.boxes) {
      for (int face = 0; face < 6; ++face, ++counter) {
        if (face == 4) continue;  // backs are never seen
        DemoCanvas canvas;
        canvas.pixels_per_meter = pixels_per_meter_;
        // Each face its own seed: what is painted does not depend on the order or the number of threads.
        canvas.rng = cv::RNG((seed + 1) * 0x9E3779B97F4A7C15ull ^ (counter + 1) * 0xD1B54A32D192ED03ull);
        jobs.push_back({canvas, {&box, face}});
      }
    }
  }
  cv::parallel_for_(cv::Range(0, int(jobs.size())), [&](const cv::Range& range) {
    for (int i = range.start; i < range.end; ++i) {
      auto& [canvas, target] = jobs[i];
      auto& [box, face] = target;
      canvas.image.create(FaceSize(*box, face, pixels_per_meter_), CV_8UC3);
      (face == 5 ? box->front : box->sides)(canvas);
      box->faces[face].assign(1, canvas.image);
    }
  });
}

// Everything is matt and nothing moves, so light and shadow are part of the paint.
void DemoScene::Light() {
  std::vector<std::pair<DemoGroup*, std::pair<DemoBox*, int>>> jobs;
  for (DemoGroup& group : groups_) {
    for (DemoBox& box : group.boxes) {
      for (int face = 0; face < 6; ++face) {
        if (!box.faces[face].empty()) jobs.push_back({&group, {&box, face}});
      }
    }
  }
  cv::parallel_for_(cv::Range(0, int(jobs.size())), [&](const cv::Range& range) {
    for (int i = range.start; i < range.end; ++i) {
      auto& [box, face] = jobs[i].second;
      std::vector<cv::Mat>& levels = box->faces[face];
      LightFace(*jobs[i].first, *box, face, levels[0]);
      while (levels.size() < 4 && std::min(levels.back().cols, levels.back().rows) >= 8) {
        cv::Mat half;
        cv::resize(levels.back(), half, {}, 0.5, 0.5, cv::INTER_AREA);
        levels.push_back(half);
      }
    }
  });
}

void DemoScene::LightFace(const DemoGroup& group, const DemoBox& box, int face, cv::Mat& image) const {
  const FaceLayout& layout = kFaces[face];
  const cv::Vec3f normal = group.frame.axes[face / 2] * (face % 2 == 1 ? 1.0f : -1.0f);
  const auto point_at = [&](double x_m, double y_m) {
    cv::Vec3f local = face % 2 == 1 ? box.hi : box.lo;
    local[layout.x] = layout.x_up ? box.lo[layout.x] + float(x_m) : box.hi[layout.x] - float(x_m);
    local[layout.y] = layout.y_up ? box.lo[layout.y] + float(y_m) : box.hi[layout.y] - float(y_m);
    return group.frame.ToWorld(local) + kSurfaceOffset * normal;
  };
  const auto grid_size = [&](double texels) {
    return cv::Size(int(std::ceil(image.cols / texels)), int(std::ceil(image.rows / texels)));
  };
  cv::RNG rng(0xA0 + uint64_t(image.cols) * 7919 + uint64_t(image.rows));
  cv::Mat open(grid_size(10), CV_32F);  // ambient light is smooth: a sample every ten texels
  const double width_m = image.cols / pixels_per_meter_, height_m = image.rows / pixels_per_meter_;
  for (int y = 0; y < open.rows; ++y) {
    for (int x = 0; x < open.cols; ++x) {
      const cv::Vec3f at = point_at((x + 0.5) * width_m / open.cols, (y + 0.5) * height_m / open.rows);
      open.at<float>(y, x) = Openness(at, normal, rng);
    }
  }
  cv::blur(open, open, {3, 3});
  cv::Mat light(grid_size(2), CV_32FC3), open_fine;
  cv::resize(open, open_fine, light.size(), 0, 0, cv::INTER_LINEAR);
  for (int y = 0; y < light.rows; ++y) {
    for (int x = 0; x < light.cols; ++x) {
      const cv::Vec3f at = point_at((x + 0.5) * width_m / light.cols, (y + 0.5) * height_m / light.rows);
      light.at<cv::Vec3f>(y, x) = LightAt(at, normal, open_fine.at<float>(y, x));
    }
  }
  cv::blur(light, light, {3, 3});
  cv::resize(light, light, image.size(), 0, 0, cv::INTER_LINEAR);
  cv::multiply(image, light, image, 1.0, CV_8UC3);
}

cv::Vec3f DemoScene::LightAt(const cv::Vec3f& point, const cv::Vec3f& normal, float openness) const {
  const cv::Vec3f ambient(0.66f, 0.60f, 0.56f), sun(0.50f, 0.62f, 0.70f);  // a blue sky, a warm sun (BGR)
  const float slope = std::max(0.0f, normal.dot(kSun));
  const float direct = slope > 0 && !Cast(point, kSun, 40.0f) ? slope : 0.0f;
  return ambient * openness + sun * direct;
}

// Share of the half space (cosine-weighted) that is free within two metres.
float DemoScene::Openness(const cv::Vec3f& point, const cv::Vec3f& normal, cv::RNG& rng) const {
  constexpr int kRays = 20;
  int blocked = 0;
  for (int i = 0; i < kRays; ++i) {
    // A point on the unit sphere around the normal's tip is a cosine-weighted direction.
    const float z = rng.uniform(-1.0f, 1.0f), turn = rng.uniform(0.0f, float(2 * CV_PI));
    const float r = std::sqrt(std::max(0.0f, 1 - z * z));
    const cv::Vec3f direction = normal * 1.001f + cv::Vec3f(r * std::cos(turn), r * std::sin(turn), z);
    if (Cast(point, cv::normalize(direction), 2.0f)) ++blocked;
  }
  return 1.0f - 0.75f * float(blocked) / kRays;
}

}  // namespace colmatch
