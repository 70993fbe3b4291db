// A self-made photo collection: a textured courtyard rendered from known cameras, with the truth beside it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "plugin/demo/demo_geometry.h"

namespace colmatch {

struct DemoSceneOptions {
  // courtyard: an arc of photos of a corner of two facades. building: a ring of photos around a building with
  // four equal sides (demo_building.h).
  std::string scene = "courtyard";
  int num_images = 12;
  int width = 960;   // pixels
  int height = 720;  // pixels
  uint64_t seed = 1;
  double step_degrees = 7;  // between neighbours on the arc; less where the arc would pass max_arc_degrees.
                            // The ring is always whole
  double max_arc_degrees = 80;
  int jpeg_quality = 95;
};

// A pinhole camera as COLMAP's PINHOLE: x right, y down, z forward; the first pixel's centre is at (0.5,
// 0.5).
struct DemoCamera {
  std::string name;       // file name
  cv::Matx33d rotation;   // camera_from_world
  cv::Vec3d translation;  // camera_from_world, metres
  double focal_px = 0;
  int width = 0, height = 0;  // pixels; the principal point is the middle

  cv::Vec3d Center() const { return -(rotation.t() * translation); }
  // Pixel of a world point (COLMAP's convention), which must lie in front of the camera.
  cv::Vec2d Project(const cv::Vec3d& point) const;
  // Unit direction, in the world, of the ray through a pixel position (COLMAP's convention).
  cv::Vec3d Ray(double x, double y) const;
};

// The cameras of the arc, all looking at the courtyard's corner, or of the ring. Throws UsageError on options
// out of range.
std::vector<DemoCamera> DemoCameras(const DemoSceneOptions& options);

// The scene itself, painted at a resolution that suits the images.
DemoScene MakeDemoScene(const DemoSceneOptions& options);

// CV_8UC3: four samples a pixel, vignetting, sensor noise that depends on `noise_seed` only.
cv::Mat RenderDemoImage(const DemoScene& scene, const DemoCamera& camera, uint64_t noise_seed);

// Writes folder/images/*.jpg and the true cameras as a COLMAP text model
// folder/gt/{cameras,images,points3D}.txt. The same options give the same bytes. `progress(done, total)` is
// called after each image. Throws UsageError (options), EnvironmentError (folder cannot be written).
std::vector<DemoCamera> RenderDemoScene(const DemoSceneOptions& options, const std::filesystem::path& folder,
                                        const std::function<void(int, int)>& progress = {});

}  // namespace colmatch
