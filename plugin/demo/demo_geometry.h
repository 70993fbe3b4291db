// Geometry of the demo scene: groups of boxes, their painted and lit faces, and the ray caster.
//
// World: metres, right-handed, z up. A group of boxes shares one frame, in which its boxes are axis-aligned;
// u is to the right, v up and w towards the viewer of the group's front.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "plugin/demo/demo_textures.h"

namespace colmatch {

struct DemoFrame {
  cv::Vec3f origin{0, 0, 0};
  std::array<cv::Vec3f, 3> axes{cv::Vec3f{1, 0, 0}, cv::Vec3f{0, 1, 0},
                                cv::Vec3f{0, 0, 1}};  // u, v, w in the world

  cv::Vec3f ToWorld(const cv::Vec3f& local) const {
    return origin + local[0] * axes[0] + local[1] * axes[1] + local[2] * axes[2];
  }
  cv::Vec3f Rotate(const cv::Vec3f& world) const {
    return {axes[0].dot(world), axes[1].dot(world), axes[2].dot(world)};
  }
};

struct DemoBox {
  cv::Vec3f lo, hi;   // in the group's frame
  DemoPainter front;  // paints the face w = hi
  DemoPainter sides;  // paints the others
  int keep_side = 0;  // -1: only where world x < 0, 1: only where x > 0 (the roofs' valley), 0: everywhere
  // Mip levels, finest first, CV_8UC3. Faces in order u lo, u hi, v lo, v hi, w lo, w hi.
  std::array<std::vector<cv::Mat>, 6> faces;
};

struct DemoGroup {
  DemoFrame frame;
  std::vector<DemoBox> boxes;
  cv::Vec3f lo, hi;  // bounds of the boxes, set by DemoScene
};

// Where a ray meets the scene. `x_m` and `y_m` are metres from the face's upper left corner seen from
// outside.
struct DemoHit {
  float distance_m = std::numeric_limits<float>::infinity();
  cv::Vec3f point, normal;  // world
  int group = -1, box = -1, face = -1;
  float x_m = 0, y_m = 0;
};

class DemoScene {
 public:
  // Paints and lights all faces. `pixels_per_meter` is the resolution of the paint.
  DemoScene(std::vector<DemoGroup> groups, double pixels_per_meter, uint64_t seed);

  // The first surface along a unit direction, nearer than max_distance_m.
  std::optional<DemoHit> Cast(const cv::Vec3f& origin, const cv::Vec3f& direction,
                              float max_distance_m = std::numeric_limits<float>::infinity()) const;

  // Colour (BGR, 0..255) of what a hit shows; `footprint_m` is the sample's width across the ray there.
  cv::Vec3f Color(const DemoHit& hit, const cv::Vec3f& direction, float footprint_m) const;
  cv::Vec3f SkyColor(const cv::Vec3f& direction) const;

 private:
  void Paint(uint64_t seed);
  void Light();
  void LightFace(const DemoGroup& group, const DemoBox& box, int face, cv::Mat& image) const;
  cv::Vec3f LightAt(const cv::Vec3f& point, const cv::Vec3f& normal, float occlusion) const;
  float Openness(const cv::Vec3f& point, const cv::Vec3f& normal, cv::RNG& rng) const;

  std::vector<DemoGroup> groups_;
  double pixels_per_meter_;
  cv::Mat clouds_;  // CV_32F, tiled by mirroring
};

}  // namespace colmatch
