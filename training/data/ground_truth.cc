// Ground-truth matches; see ground_truth.h.
#include "training/data/ground_truth.h"

#include <torch/torch.h>

#include "network/features.h"

namespace colmatch {
namespace {

constexpr double kLeastDistancePx = 1e-3;

}  // namespace

torch::Tensor WarpPoints(const torch::Tensor& points, const Homography& homography) {
  const auto h = torch::tensor(std::vector<double>(homography.m.begin(), homography.m.end()), torch::kDouble)
                     .view({3, 3});
  const auto xy = points.to(torch::kDouble);
  const auto xyw = torch::mm(torch::cat({xy, torch::ones({xy.size(0), 1}, xy.options())}, 1), h.t());
  return (xyw.narrow(1, 0, 2) / xyw.narrow(1, 2, 1)).to(points.scalar_type());
}

GroundTruthMatches MatchByHomography(const torch::Tensor& keypoints0, const torch::Tensor& keypoints1,
                                     const Homography& h1_from_0, const GroundTruthOptions& options) {
  return MatchByProjections(keypoints0, WarpPoints(keypoints0, h1_from_0), keypoints1,
                            WarpPoints(keypoints1, h1_from_0.Inverse()), options);
}

GroundTruthMatches MatchByProjections(const torch::Tensor& keypoints0, const torch::Tensor& projected0,
                                      const torch::Tensor& keypoints1, const torch::Tensor& projected1,
                                      const GroundTruthOptions& options, const KeypointScales& scales) {
  const int64_t n = keypoints0.size(0), m = keypoints1.size(0);
  GroundTruthMatches result;
  result.matches0 = torch::full({n}, kUnmatched, torch::kLong);
  result.matches1 = torch::full({m}, kUnmatched, torch::kLong);
  if (n == 0 || m == 0) return result;
  // Exact distances: cdist's matrix-product shortcut loses tenths of a pixel at these coordinates.
  const auto distance = [](const torch::Tensor& a, const torch::Tensor& b) {
    return (a.unsqueeze(1) - b.unsqueeze(0)).square().sum(2).sqrt();
  };
  const auto forward = distance(projected0, keypoints1);   // (N, M) px in image 1
  const auto backward = distance(keypoints0, projected1);  // (N, M) px in image 0
  const auto error = torch::maximum(forward, backward);
  auto cost = error;
  if (scales.scales0.defined()) {
    // How much larger image 1 shows what is there: the same distance in both images' pixels.
    const auto magnification = (forward + kLeastDistancePx) / (backward + kLeastDistancePx);
    const auto ratio = scales.scales1.unsqueeze(0) / scales.scales0.unsqueeze(1);
    cost = error + options.px_per_octave * (ratio / magnification).log2().abs();
  }
  const auto nearest0 = cost.argmin(1), nearest1 = cost.argmin(0);
  const auto error0 = error.gather(1, nearest0.unsqueeze(1)).squeeze(1);
  const auto mutual0 = nearest1.index_select(0, nearest0) == torch::arange(n, torch::kLong);
  const auto positive0 = mutual0 & (error0 < options.positive_px);
  const auto negative0 = std::get<0>(forward.min(1)) > options.negative_px;
  const auto negative1 = std::get<0>(backward.min(0)) > options.negative_px;
  const auto ignored = torch::full({}, kIgnored, torch::kLong),
             unmatched = torch::full({}, kUnmatched, torch::kLong);
  result.matches0 = torch::where(positive0, nearest0, torch::where(negative0, unmatched, ignored));
  const auto positive1 = positive0.index_select(0, nearest1) &
                         (nearest0.index_select(0, nearest1) == torch::arange(m, torch::kLong));
  result.matches1 = torch::where(positive1, nearest1, torch::where(negative1, unmatched, ignored));
  return result;
}

}  // namespace colmatch
