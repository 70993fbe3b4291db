// Photos of a reconstructed scene as pinhole views with the triangulated points they see: pairs of them have
// real parallax, occlusion and light, which no warp of one photo has. One flat file a scene, written by
// `colmatch prepare_views`, so that training needs neither an image codec nor COLMAP. Format (little endian),
// docs/shard_format.md:
//   8 bytes magic "CMVIEWS1", u32 view count, then per view:
//   u16 name length, name, u16 width, u16 height, 12 f64 projection, u32 point count,
//   width*height bytes of grey, point count * (u64 id, f64 x, f64 y, f64 z)
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace colmatch {

struct ScenePoint3D {
  uint64_t id = 0;  // the same in every view that sees it
  double x = 0, y = 0, z = 0;
};

struct ReconstructedView {
  std::string name;
  int width = 0, height = 0;
  std::vector<uint8_t> pixels;  // grey, undistorted
  // 3 x 4 row-major: the scene's coordinates to homogeneous pixels of this view, the first pixel's centre (0,
  // 0); the third of them is the depth, positive in front.
  std::array<double, 12> projection{};
  std::vector<ScenePoint3D> points;
};

struct Reconstruction {
  std::string name;  // of its file
  std::vector<ReconstructedView> views;
};

// Temporary name, fsync, rename. Throws EnvironmentError.
void WriteReconstruction(const std::string& path, const std::vector<ReconstructedView>& views);

// Throws InputError naming file and offset for a damaged one.
Reconstruction ReadReconstruction(const std::string& path);

}  // namespace colmatch
