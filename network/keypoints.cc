// Keypoint selection and descriptor sampling; see keypoints.h.
#include "network/keypoints.h"

#include <torch/torch.h>

#include <string>
#include <tuple>
#include <vector>

#include "network/hessian_response.h"
#include "network/kernels/peaks.h"
#include "util/error.h"

namespace colmatch {

namespace F = torch::nn::functional;

namespace {

// The maximum over the (2 radius + 1) window of every pixel of (B, H, W).
torch::Tensor WindowMaximum(const torch::Tensor& x, int radius) {
  return torch::max_pool2d(x.unsqueeze(1), 2 * radius + 1, 1, radius).squeeze(1);
}

bool IsForCpuKernels(const torch::Tensor& x) { return x.is_cpu() && x.scalar_type() == torch::kFloat; }

// Of (H, W), contiguous.
GreyMap MapOf(const torch::Tensor& x) { return {x.data_ptr<float>(), x.size(0), x.size(1)}; }

torch::Tensor SuppressOnCpu(const torch::Tensor& scores, int radius) {
  const auto in = scores.detach().contiguous();
  auto out = torch::zeros_like(in);
  for (int64_t b = 0; b < in.size(0); ++b) {
    auto map = out.accessor<float, 3>()[b];
    for (const Peak& peak : SuppressNonMaxima(MapOf(in[b]), radius, 0)) map[peak.y][peak.x] = peak.score;
  }
  return out;
}

// What SelectKeypoints chooses from, in row order: survivors of suppression above the threshold, not in the
// border.
Keypoints SurvivorsOnCpu(const torch::Tensor& scores, const KeypointOptions& options) {
  const auto in = scores.detach().contiguous();
  const auto border = static_cast<int64_t>(options.remove_borders);
  std::vector<float> xy, kept;
  for (const Peak& peak :
       SuppressNonMaxima(MapOf(in), options.nms_radius, static_cast<float>(options.keypoint_threshold))) {
    if (peak.x < border || peak.y < border || peak.x >= in.size(1) - border || peak.y >= in.size(0) - border)
      continue;
    xy.insert(xy.end(), {static_cast<float>(peak.x), static_cast<float>(peak.y)});
    kept.push_back(peak.score);
  }
  return {torch::tensor(xy).view({-1, 2}), torch::tensor(kept)};
}

Keypoints SurvivorsOnGpu(const torch::Tensor& scores, const KeypointOptions& options) {
  const auto suppressed = NonMaximumSuppression(scores.unsqueeze(0), options.nms_radius).squeeze(0);
  const int64_t border = options.remove_borders;
  const int64_t rows = suppressed.size(0) - 2 * border, columns = suppressed.size(1) - 2 * border;
  if (rows <= 0 || columns <= 0)
    return {torch::zeros({0, 2}, scores.options()), torch::zeros({0}, scores.options())};
  const auto inner = suppressed.narrow(0, border, rows).narrow(1, border, columns);
  const auto yx = torch::nonzero(inner > options.keypoint_threshold);
  return {(yx.flip(1) + border).to(torch::kFloat), inner.index({yx.select(1, 0), yx.select(1, 1)})};
}

torch::Tensor MoveToPeaksOnCpu(const torch::Tensor& xy, const torch::Tensor& response, int radius,
                               int border) {
  const auto map = response.contiguous();
  auto moved = xy.contiguous().clone();
  auto points = moved.accessor<float, 2>();
  for (int64_t i = 0; i < points.size(0); ++i)
    MoveToPeak(MapOf(map), radius, border, points[i][0], points[i][1]);
  return moved;
}

// Without those that share a pixel with a stronger one; the order of the rest stays.
Keypoints StrongestOfEachPixel(const Keypoints& keypoints, int64_t width) {
  const int64_t n = keypoints.scores.size(0);
  if (n == 0) return keypoints;
  const auto pixel = keypoints.xy.round().to(torch::kLong);
  const auto place = pixel.select(1, 1) * width + pixel.select(1, 0);
  // By place and, within one, by falling score: the first of each place stays.
  const auto by_score = std::get<1>(keypoints.scores.sort(/*stable=*/true, 0, /*descending=*/true));
  const auto [sorted, order] = place.index_select(0, by_score).sort(/*stable=*/true, 0, /*descending=*/false);
  auto is_first = torch::ones({n}, sorted.options().dtype(torch::kBool));
  is_first.narrow(0, 1, n - 1).copy_(sorted.narrow(0, 1, n - 1) != sorted.narrow(0, 0, n - 1));
  const auto kept = std::get<0>(by_score.index_select(0, order.masked_select(is_first)).sort());
  return {keypoints.xy.index_select(0, kept), keypoints.scores.index_select(0, kept)};
}

}  // namespace

void KeypointOptions::Validate() const {
  kKeypointThreshold.Require(keypoint_threshold);
  kNmsRadius.Require(nms_radius);
  kRemoveBorders.Require(remove_borders);
  kRefinementRadius.Require(refinement_radius);
  kPlaceRadius.Require(place_radius);
  if (const std::string problem = ProblemOfScales(scales); !problem.empty())
    throw UsageError("SuperPoint.scales must be " + problem);
}

KeypointOptions ResolveOptions(const KeypointOptions& options, const SuperPointArchitecture& architecture) {
  KeypointOptions resolved = options;
  if (resolved.scales.empty()) resolved.scales = architecture.scales;
  if (resolved.refinement_radius < 0) resolved.refinement_radius = architecture.refinement_radius;
  resolved.refinement = architecture.refinement;
  resolved.pooled_descriptors = architecture.pooled_descriptors;
  if (resolved.place_radius < 0) resolved.place_radius = architecture.place_radius;
  return resolved;
}

torch::Tensor NonMaximumSuppression(const torch::Tensor& scores, int radius) {
  TORCH_CHECK(scores.dim() == 3, "NonMaximumSuppression: scores must be (B, H, W), got ", scores.sizes());
  if (IsForCpuKernels(scores)) return SuppressOnCpu(scores, radius);
  const auto zeros = torch::zeros_like(scores);
  auto is_max = scores == WindowMaximum(scores, radius);
  for (int round = 0; round < 2; ++round) {
    const auto suppressed = WindowMaximum(is_max.to(torch::kFloat), radius) > 0;
    const auto remaining = torch::where(suppressed, zeros, scores);
    const auto new_max = remaining == WindowMaximum(remaining, radius);
    is_max = is_max | (new_max & ~suppressed);
  }
  return torch::where(is_max, scores, zeros);
}

torch::Tensor MoveToPeaks(const torch::Tensor& xy, const torch::Tensor& response, int radius, int border) {
  TORCH_CHECK(xy.dim() == 2 && xy.size(1) == 2 && response.dim() == 2,
              "MoveToPeaks: xy must be (N, 2) and response (H, W), got ", xy.sizes(), " and ",
              response.sizes());
  if (xy.size(0) == 0) return xy;
  if (IsForCpuKernels(xy) && IsForCpuKernels(response)) return MoveToPeaksOnCpu(xy, response, radius, border);
  const int64_t width = 2 * radius + 1;
  // In the border and outside the image nothing attracts.
  const int64_t margin = radius + border, h = response.size(0), w = response.size(1);
  const auto inner = LocalPeaks(response).narrow(0, border, h - 2 * border).narrow(1, border, w - 2 * border);
  const auto padded = F::pad(inner, F::PadFuncOptions({margin, margin, margin, margin}));
  const auto start = xy.to(torch::kLong), steps = torch::arange(width, start.options());
  const auto rows = start.select(1, 1).view({-1, 1, 1}) + steps.view({1, width, 1});
  const auto columns = start.select(1, 0).view({-1, 1, 1}) + steps.view({1, 1, width});
  const auto [peak, best] = padded.index({rows, columns}).flatten(1).max(1);
  const auto offset = torch::stack({best.remainder(width), best.div(width, "floor")}, 1) - radius;
  const auto moved = RefineToParabola(xy + offset.to(xy.scalar_type()), response);
  return torch::where((peak > 0).unsqueeze(1), moved, xy);
}

torch::Tensor MoveToCentroids(const torch::Tensor& xy, const torch::Tensor& scores, int radius) {
  TORCH_CHECK(xy.dim() == 2 && xy.size(1) == 2 && scores.dim() == 2,
              "MoveToCentroids: xy must be (N, 2) and scores (H, W), got ", xy.sizes(), " and ",
              scores.sizes());
  if (xy.size(0) == 0) return xy;
  const auto padded = F::pad(scores, F::PadFuncOptions({radius, radius, radius, radius}));
  const auto steps = torch::arange(2 * radius + 1, xy.options().dtype(torch::kLong));
  const auto start = xy.to(torch::kLong);
  const auto rows = start.select(1, 1).view({-1, 1, 1}) + steps.view({1, -1, 1});
  const auto columns = start.select(1, 0).view({-1, 1, 1}) + steps.view({1, 1, -1});
  const auto weights = padded.index({rows, columns});
  const auto offset = (steps - radius).to(scores.scalar_type());
  const auto moved = torch::stack(
      {(weights * offset.view({1, 1, -1})).sum({1, 2}), (weights * offset.view({1, -1, 1})).sum({1, 2})}, 1);
  return xy + (moved / weights.sum({1, 2}).clamp_min(1e-20).unsqueeze(1)).to(xy.scalar_type());
}

Keypoints SelectKeypoints(const torch::Tensor& scores, const KeypointOptions& options,
                          const torch::Tensor& response) {
  TORCH_CHECK(scores.dim() == 2, "SelectKeypoints: scores must be (H, W), got ", scores.sizes());
  Keypoints result =
      IsForCpuKernels(scores) ? SurvivorsOnCpu(scores, options) : SurvivorsOnGpu(scores, options);
  if (options.refinement_radius > 0 && options.refinement == Refinement::kScores) {
    result.xy = MoveToCentroids(result.xy, scores, options.refinement_radius);
  } else if (options.refinement_radius > 0 && response.defined()) {
    result.xy = MoveToPeaks(result.xy, response, options.refinement_radius, options.remove_borders);
    result = StrongestOfEachPixel(result, scores.size(1));
  }
  if (options.max_num_features > 0 && result.scores.size(0) > options.max_num_features) {
    const auto [values, indices] = torch::topk(result.scores, options.max_num_features);
    result.scores = values;
    result.xy = result.xy.index_select(0, indices);
  }
  return result;
}

Keypoints DetectKeypoints(const torch::Tensor& image, const torch::Tensor& scores,
                          const KeypointOptions& options) {
  const bool needs_response = options.refinement_radius > 0 && options.refinement == Refinement::kHessian;
  return SelectKeypoints(scores, options, needs_response ? HessianResponse(image) : torch::Tensor());
}

torch::Tensor SampleDescriptors(const torch::Tensor& keypoints, const torch::Tensor& dense,
                                DescriptorSampling sampling) {
  TORCH_CHECK(keypoints.dim() == 3 && keypoints.size(2) == 2,
              "SampleDescriptors: keypoints must be (B, N, 2), got ", keypoints.sizes());
  TORCH_CHECK(dense.dim() == 4 && dense.size(0) == keypoints.size(0),
              "SampleDescriptors: dense must be (B, D, h, w) with the keypoints' B, got ", dense.sizes());
  constexpr double kFirstCentre = (kCellSize - 1) / 2.0;  // pixels: the middle of the first cell
  // From the first cell to the last: as published to the image's last pixel, in truth to the last cell's
  // middle.
  const double beyond = sampling == DescriptorSampling::kPublished ? kCellSize - 1 - kFirstCentre : 0.0;
  const double width_px = kCellSize * (dense.size(3) - 1.0) + beyond;
  const double height_px = kCellSize * (dense.size(2) - 1.0) + beyond;
  const auto extent = torch::tensor({std::max(width_px, 1.0), std::max(height_px, 1.0)}, keypoints.options());
  const auto grid = (keypoints - kFirstCentre) / extent * 2 - 1;
  const auto options = F::GridSampleFuncOptions().mode(torch::kBilinear).align_corners(true);
  const auto sampled = F::grid_sample(dense, grid.unsqueeze(1), options).squeeze(2);
  return F::normalize(sampled, F::NormalizeFuncOptions().p(2).dim(1));
}

Features JoinFeatures(const std::vector<Features>& parts) {
  if (parts.size() == 1) return parts.front();
  std::vector<torch::Tensor> keypoints, scores, descriptors, scales;
  for (const Features& part : parts) {
    keypoints.push_back(part.keypoints);
    scores.push_back(part.scores);
    descriptors.push_back(part.descriptors);
    if (part.scales.defined()) scales.push_back(part.scales);
  }
  return {torch::cat(keypoints), torch::cat(scores),   torch::cat(descriptors, 1),
          parts.front().width,   parts.front().height, scales.empty() ? torch::Tensor() : torch::cat(scales)};
}

Features SelectFeatures(const Features& features, const torch::Tensor& indices) {
  Features selected = features;
  selected.keypoints = features.keypoints.index_select(0, indices);
  selected.scores = features.scores.index_select(0, indices);
  selected.descriptors = features.descriptors.index_select(1, indices);
  if (features.scales.defined()) selected.scales = features.scales.index_select(0, indices);
  return selected;
}

Features StrongestFeatures(const Features& features, int max_num_features) {
  if (max_num_features <= 0 || features.size() <= max_num_features) return features;
  return SelectFeatures(features, std::get<1>(torch::topk(features.scores, max_num_features)));
}

Features ExtractFeatures(const DenseNetwork& network, const torch::Tensor& image,
                         const KeypointOptions& options, DenseDescriptors* dense) {
  TORCH_CHECK(image.dim() == 4 && image.size(0) == 1, "ExtractFeatures: image must be (1, 1, H, W), got ",
              image.sizes());
  const SuperPointOutput output = network(image);
  if (dense) *dense = {output.descriptors, output.sampling};
  const Keypoints keypoints = DetectKeypoints(image, ScoresFromLogits(output.logits)[0], options);
  Features features;
  features.keypoints = keypoints.xy;
  features.scores = keypoints.scores;
  features.width = static_cast<int>(image.size(3));
  features.height = static_cast<int>(image.size(2));
  features.descriptors =
      keypoints.xy.size(0) > 0
          ? SampleDescriptors(keypoints.xy.unsqueeze(0), output.descriptors, output.sampling)[0]
          : torch::zeros({output.descriptors.size(1), 0}, output.descriptors.options());
  return features;
}

}  // namespace colmatch
