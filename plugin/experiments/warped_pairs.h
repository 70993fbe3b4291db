// Pictures of the homography protocol: two warps of one photo that show nothing outside it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>

#include "training/data/homography.h"

namespace colmatch {

inline const cv::Size kWarpedPairSize(640, 480);

struct WarpedPair {
  cv::Mat pixels[2];  // kWarpedPairSize, CV_32F in [0, 1]
  Homography h1_from_0;
};

// With different light, noise and blur. A pure function of the photo, difficulty (0 to 1), seed and index.
// Throws InputError for a photo that cannot be read.
WarpedPair MakeWarpedPair(const std::filesystem::path& photo, double difficulty, uint64_t seed, size_t index);

}  // namespace colmatch
