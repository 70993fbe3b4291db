// An image pyramid. SuperPoint processes an image at several sizes separately. Keypoints of several scales
// allow matching between photos taken from different distances. An enlarged level gives more accurate
// positions (SIFT doubles the image for the same reason; Lowe 2004, section 3.3).
#pragma once

#include <torch/types.h>

#include <functional>
#include <utility>
#include <vector>

#include "network/features.h"
#include "network/keypoints.h"

namespace colmatch {

struct PyramidLevel {
  torch::Tensor image;  // (1, 1, h, w)
  double scale_x = 1;   // pixels of the original per pixel of the level
  double scale_y = 1;

  double scale() const;  // geometric mean of scale_x and scale_y

  // Converts xy (N, 2) between pixels of the level and of the original. Image edges, not pixel centres,
  // coincide.
  torch::Tensor ToOriginal(const torch::Tensor& xy) const;
  torch::Tensor FromOriginal(const torch::Tensor& xy) const;
};

// Resamples an image (1, 1, H, W) by the factor `scale`: bilinear, with a filter as wide as a pixel of the
// level. Returns the image itself if the factor does not change its size.
PyramidLevel MakeLevel(const torch::Tensor& image, double scale);

// What was found in one level, in its pixels. dense is needed where descriptors are pooled.
struct LevelFeatures {
  LevelFeatures(Features found, DenseDescriptors descriptors = {})
      : features(std::move(found)), dense(std::move(descriptors)) {}
  Features features;
  DenseDescriptors dense;
};

// Extracts the features of one level. The options passed keep keypoints out of the border of the original
// image.
using LevelExtraction =
    std::function<LevelFeatures(const PyramidLevel& level, const KeypointOptions& options)>;

// Whether ExtractFromPyramid pools: options.pooled_descriptors, and several scales.
bool PoolsDescriptors(const KeypointOptions& options);

// Descriptors (D, N), unit columns, of keypoints xy (N, 2) of the original: the mean of those of all levels
// that are at least one cell large, of which there must be one. On the CPU.
torch::Tensor PooledDescriptors(const std::vector<std::pair<PyramidLevel, DenseDescriptors>>& levels,
                                const torch::Tensor& xy);

// The strongest features of all levels, in pixels of the original, with their scales (no scales if the image
// itself is the only level). Their descriptors are those of their level or, with options.pooled_descriptors,
// of all levels. options.scales must not be empty.
Features ExtractFromPyramid(const torch::Tensor& image, const KeypointOptions& options,
                            const LevelExtraction& extract);

// (N) int64: the index of the level at which each feature was found, which is the level nearest in scale.
torch::Tensor LevelsOf(const Features& features, const std::vector<PyramidLevel>& levels);

}  // namespace colmatch
