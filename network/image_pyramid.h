// An image at several sizes, each processed separately: keypoints of several scales, so that photos taken
// from different distances share some; and finer places from an enlarged image (SIFT doubles its image first;
// Lowe 2004, section 3.3).
#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

#include "network/features.h"
#include "network/keypoints.h"

namespace colmatch {

struct PyramidLevel {
  torch::Tensor image;  // (1, 1, h, w)
  double scale_x = 1;   // the original's pixels per pixel of the level
  double scale_y = 1;

  double scale() const;  // of both, their geometric mean

  // xy (N, 2) pixels of one and of the other. Edges, not centres, coincide.
  torch::Tensor ToOriginal(const torch::Tensor& xy) const;
  torch::Tensor FromOriginal(const torch::Tensor& xy) const;
};

// image (1, 1, H, W) resampled bilinearly, with a filter as wide as a pixel of the level; the image itself
// where the scale, a factor of its size, changes nothing.
PyramidLevel MakeLevel(const torch::Tensor& image, double scale);

// Features of one level, in its pixels. Its options keep keypoints out of the original's border.
using LevelExtraction = std::function<Features(const PyramidLevel& level, const KeypointOptions& options)>;

// The strongest features of all levels together, in the original's pixels, with their scales (none where the
// image itself is the only level). options.scales are not empty.
Features ExtractFromPyramid(const torch::Tensor& image, const KeypointOptions& options,
                            const LevelExtraction& extract);

// (N) int64: which of the levels each of the features was found at, the nearest in scale.
torch::Tensor LevelsOf(const Features& features, const std::vector<PyramidLevel>& levels);

}  // namespace colmatch
