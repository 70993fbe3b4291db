// From dense scores and descriptors to the features of an image: the selection of the published SuperPoint.
#pragma once

#include <vector>

#include "network/features.h"
#include "network/superpoint.h"
#include "util/bounds.h"

namespace colmatch {

struct KeypointOptions {
  // Parameters that affect behaviour.
  int max_num_features = 2048;        // strongest kept; 0 or less: all
  double keypoint_threshold = 0.005;  // least detection probability
  int nms_radius = 4;                 // pixels; no two keypoints closer than this in x and in y
  int remove_borders = 4;             // pixels along each side without keypoints
  // Pixels; keypoints move to the strongest peak this near; 0: they stay; -1: as the weights specify.
  int refinement_radius = -1;
  // Pixels of the image within which several scales find one place, whose strongest keypoint stays; 0: all
  // stay; -1: as the weights specify.
  double place_radius = -1;
  // Sizes at which the image is processed, as factors of its own, each with the radii above in its own
  // pixels; see SuperPointArchitecture. Empty: as the weights specify.
  std::vector<double> scales = {};

  static constexpr Bounds<double> kKeypointThreshold{0, 1, "", Ends::kOpenHigh};
  static constexpr Bounds<int> kNmsRadius{0, 64, "pixels"};
  static constexpr Bounds<int> kRemoveBorders{0, 4096, "pixels"};
  static constexpr Bounds<int> kRefinementRadius{-1, kMaxRefinementRadius, "pixels"};
  static constexpr Bounds<double> kPlaceRadius{0, kMaxPlaceRadius, "pixels", Ends::kClosed, -1};
  void Validate() const;  // throws UsageError naming field, value and bound
};

// With the architecture's scales, refinement and place radius where options leave them to the weights.
KeypointOptions ResolveOptions(const KeypointOptions& options, const SuperPointArchitecture& architecture);

// scores (B, H, W) with everything that is not the maximum of its (2 radius + 1) window set to 0;
// two rounds of recovery beside suppressed neighbours, as the published code does.
torch::Tensor NonMaximumSuppression(const torch::Tensor& scores, int radius);

struct Keypoints {
  torch::Tensor xy;      // (N, 2) float32 pixels
  torch::Tensor scores;  // (N)
};

// Each keypoint at the largest local maximum of the response in the (2 radius + 1) window around it, then at
// the top of the parabola there: a few pixels of a network's uncertainty become a fraction of a pixel. xy (N,
// 2) whole pixels, response (H, W); returns (N, 2), none pulled into the border; one without a peak in reach
// stays. Several may arrive at one place.
torch::Tensor MoveToPeaks(const torch::Tensor& xy, const torch::Tensor& response, int radius, int border = 0);

// From the dense scores (H, W) of one image. Sorted by falling score where max_num_features cut, else in row
// order. With a response (H, W) and a refinement radius they move to its peaks, and of those that meet at one
// pixel the strongest stays.
Keypoints SelectKeypoints(const torch::Tensor& scores, const KeypointOptions& options,
                          const torch::Tensor& response = {});

// The same, with HessianResponse of the image (1, 1, H, W) the scores were made from where options ask
// for it: the one way to keypoints, in use and in training.
Keypoints DetectKeypoints(const torch::Tensor& image, const torch::Tensor& scores,
                          const KeypointOptions& options);

// Bilinear in the coarse grid, read as `sampling` says. keypoints (B, N, 2) pixels, dense (B, D, h, w);
// returns (B, D, N), unit columns. Differentiable in dense.
torch::Tensor SampleDescriptors(const torch::Tensor& keypoints, const torch::Tensor& dense,
                                DescriptorSampling sampling = DescriptorSampling::kPublished);

// Of several parts of one image, in the first one's frame; all or none of them have scales.
Features JoinFeatures(const std::vector<Features>& parts);
// Those of these indices (int64), in their order.
Features SelectFeatures(const Features& features, const torch::Tensor& indices);
// Sorted by falling score where there are more than max_num_features, else as they are; 0 or less: all.
Features StrongestFeatures(const Features& features, int max_num_features);

// image (1, 1, H, W) float in [0, 1] on the network's device, processed at scale 1. An image
// without keypoints gives N = 0.
Features ExtractFeatures(const DenseNetwork& network, const torch::Tensor& image,
                         const KeypointOptions& options);

}  // namespace colmatch
