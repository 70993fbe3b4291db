// Which keypoints of two warped views really correspond.
#pragma once

#include <torch/types.h>

#include "training/homography.h"

namespace colmatch {

struct GroundTruthOptions {
  double positive_px = 3.0;  // mutual nearest projections closer than this match
  double negative_px = 3.0;  // a keypoint with nothing closer than this has no match; in between: ignored
};

struct GroundTruthMatches {
  torch::Tensor matches0;  // (N0) int64: index, kUnmatched or kIgnored
  torch::Tensor matches1;  // (N1)
};

// Errors are the larger of both directions' distances, in pixels (glue-factory's homography_matcher, peers.md
// 2B). keypoints0 (N0, 2), keypoints1 (N1, 2) pixels. A keypoint that leaves the other image is unmatched by
// distance.
GroundTruthMatches MatchByHomography(const torch::Tensor& keypoints0, const torch::Tensor& keypoints1,
                                     const Homography& h1_from_0, const GroundTruthOptions& options);

// Where a projection says that the other image does not show a keypoint, in x and y.
inline constexpr float kFarOutsidePx = -1e6f;

// The same for any scene: projected0 (N0, 2) are the keypoints of image 0 where image 1 shows them,
// projected1 (N1, 2) those of image 1 in image 0; a keypoint the other does not show is far outside.
GroundTruthMatches MatchByProjections(const torch::Tensor& keypoints0, const torch::Tensor& projected0,
                                      const torch::Tensor& keypoints1, const torch::Tensor& projected1,
                                      const GroundTruthOptions& options);

// (N, 2) points through a homography.
torch::Tensor WarpPoints(const torch::Tensor& points, const Homography& homography);

}  // namespace colmatch
