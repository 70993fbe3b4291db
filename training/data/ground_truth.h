// Which keypoints of two warped views really correspond.
#pragma once

#include <torch/types.h>

#include "training/data/homography.h"

namespace colmatch {

struct GroundTruthOptions {
  double positive_px = 3.0;  // mutual nearest projections closer than this match
  double negative_px = 3.0;  // a keypoint with nothing closer than this has no match; in between: ignored
  double px_per_octave = 2;  // of keypoints that have scales: how far a wrong scale counts as a wrong place
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

// Of both images' keypoints, (N0) and (N1), as in Features; undefined: not known.
struct KeypointScales {
  torch::Tensor scales0, scales1;
};

// The same for any scene: projected0 (N0, 2) are the keypoints of image 0 where image 1 shows them,
// projected1 (N1, 2) those of image 1 in image 0; a keypoint the other does not show is far outside.
// With scales, of several keypoints near one place those match whose scales differ as the images do there.
GroundTruthMatches MatchByProjections(const torch::Tensor& keypoints0, const torch::Tensor& projected0,
                                      const torch::Tensor& keypoints1, const torch::Tensor& projected1,
                                      const GroundTruthOptions& options, const KeypointScales& scales = {});

// (N, 2) points through a homography.
torch::Tensor WarpPoints(const torch::Tensor& points, const Homography& homography);

}  // namespace colmatch
