// An image pyramid. SuperPoint processes an image at several sizes separately. Keypoints of several scales
// allow matching between photos taken from different distances. An enlarged level gives more accurate
// positions (SIFT doubles the image for the same reason; Lowe 2004, section 3.3).
#pragma once

#include <torch/types.h>

#include <functional>
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

// Extracts the features of one level, in pixels of the level. The options passed keep keypoints out of the
// border of the original image.
using LevelExtraction = std::function<Features(const PyramidLevel& level, const KeypointOptions& options)>;

// The strongest features of all levels, in pixels of the original, with their scales (no scales if the image
// itself is the only level). options.scales must not be empty.
Features ExtractFromPyramid(const torch::Tensor& image, const KeypointOptions& options,
                            const LevelExtraction& extract);

// (N) int64: the index of the level at which each feature was found, which is the level nearest in scale.
torch::Tensor LevelsOf(const Features& features, const std::vector<PyramidLevel>& levels);

}  // namespace colmatch
