// From dense scores and descriptors to the features of an image: the selection of the published SuperPoint.
#pragma once

#include <vector>

#include "network/features.h"
#include "network/superpoint.h"
#include "util/option_declaration.h"

namespace colmatch {

struct KeypointOptions {
  int max_num_features = 2048;
  double keypoint_threshold = 0.005;
  int nms_radius = 4;
  int remove_borders = 4;
  int refinement_radius = -1;
  // No options: ResolveOptions takes them from the weights.
  Refinement refinement = Refinement::kHessian;
  bool pooled_descriptors = false;
  double place_radius = -1;
  // Sizes at which the image is processed, as factors of its own, each with the radii above in its own
  // pixels; see SuperPointArchitecture. Empty: as the weights specify.
  std::vector<double> scales = {};

  static constexpr Declaration<int> kMaxNumFeatures{
      "--SuperPoint.max_num_features",
      "maximum number of keypoints of a photo; the strongest are kept; 0: all"};
  static constexpr Declaration<double> kKeypointThreshold{"--SuperPoint.keypoint_threshold",
                                                          "minimum detection probability of a keypoint",
                                                          {0, 1, "", Ends::kOpenHigh}};
  static constexpr Declaration<int> kNmsRadius{
      "--SuperPoint.nms_radius",
      "radius of non-maximum suppression: minimum distance of keypoints, pixels",
      {0, 64, "pixels"}};
  static constexpr Declaration<int> kRemoveBorders{
      "--SuperPoint.remove_borders", "width of the border without keypoints, pixels", {0, 4096, "pixels"}};
  static constexpr Declaration<int> kRefinementRadius{"--SuperPoint.refinement_radius",
                                                      "keypoints are refined within this many pixels: to the "
                                                      "strongest peak of the Hessian, or to the mean "
                                                      "position of the scores, as the weights specify; 0: "
                                                      "they stay on whole pixels, as published; -1: as the "
                                                      "weights specify",
                                                      {-1, kMaxRefinementRadius, "pixels"}};
  // What -1 means is added where it is declared: a network in training has no weights that specify it.
  static constexpr Declaration<double> kPlaceRadius{"--SuperPoint.place_radius",
                                                    "pixels of the photo within which several scales find "
                                                    "one place, of which the strongest keypoint stays; "
                                                    "0: all stay; ",
                                                    {0, kMaxPlaceRadius, "pixels", Ends::kClosed, -1}};
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

// Each keypoint at the mean position of the (2 radius + 1) window around it, weighted with the scores (the
// soft argmax of ALIKED, Zhao et al. 2023, on probabilities). xy (N, 2) whole pixels, scores (H, W), at least
// 0; returns (N, 2).
torch::Tensor MoveToCentroids(const torch::Tensor& xy, const torch::Tensor& scores, int radius);

// From the dense scores (H, W) of one image. Sorted by falling score where max_num_features cut, else in row
// order. With a refinement radius they move to the scores' centroids or, with a response (H, W), to its
// peaks, as options.refinement says; of those that meet at one peak the strongest stays.
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

// The descriptors of all places of an image, and how to read them.
struct DenseDescriptors {
  torch::Tensor map;  // (1, D, h, w), unit length along D; undefined for an image of less than a cell
  DescriptorSampling sampling = DescriptorSampling::kPublished;
};

// Of several parts of one image, in the first one's frame; all or none of them have scales.
Features JoinFeatures(const std::vector<Features>& parts);
// Those of these indices (int64), in their order.
Features SelectFeatures(const Features& features, const torch::Tensor& indices);
// Sorted by falling score where there are more than max_num_features, else as they are; 0 or less: all.
Features StrongestFeatures(const Features& features, int max_num_features);

// image (1, 1, H, W) float in [0, 1] on the network's device, processed at scale 1. An image
// without keypoints gives N = 0. dense, if given, becomes the descriptors of the whole image.
Features ExtractFeatures(const DenseNetwork& network, const torch::Tensor& image,
                         const KeypointOptions& options, DenseDescriptors* dense = nullptr);

}  // namespace colmatch
