// Levels of a pyramid; see image_pyramid.h.
#include "network/image_pyramid.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "network/place_suppression.h"

namespace colmatch {

namespace F = torch::nn::functional;

namespace {

// Pixels without keypoints along the level's sides: those of the original, and of the level where it is
// smaller.
int BorderOf(const PyramidLevel& level, int border) {
  const double scale = std::min({1.0, level.scale_x, level.scale_y});
  return static_cast<int>(std::ceil(border / scale));
}

}  // namespace

bool PoolsDescriptors(const KeypointOptions& options) {
  return options.pooled_descriptors && options.scales.size() > 1;
}

double PyramidLevel::scale() const { return std::sqrt(scale_x * scale_y); }

torch::Tensor PyramidLevel::ToOriginal(const torch::Tensor& xy) const {
  if (scale_x == 1 && scale_y == 1) return xy;
  return (xy + 0.5) * torch::tensor({scale_x, scale_y}, xy.options()) - 0.5;
}

torch::Tensor PyramidLevel::FromOriginal(const torch::Tensor& xy) const {
  if (scale_x == 1 && scale_y == 1) return xy;
  return (xy + 0.5) / torch::tensor({scale_x, scale_y}, xy.options()) - 0.5;
}

PyramidLevel MakeLevel(const torch::Tensor& image, double scale) {
  const int64_t height = image.size(2), width = image.size(3);
  const auto scaled = [&](int64_t size) {
    return std::max<int64_t>(1, std::llround(static_cast<double>(size) * scale));
  };
  const int64_t h = scaled(height), w = scaled(width);
  if (h == height && w == width) return {image};
  const auto options = F::InterpolateFuncOptions()
                           .size(std::vector<int64_t>{h, w})
                           .mode(torch::kBilinear)
                           .align_corners(false)
                           .antialias(true);
  return {F::interpolate(image, options), static_cast<double>(width) / static_cast<double>(w),
          static_cast<double>(height) / static_cast<double>(h)};
}

torch::Tensor PooledDescriptors(const std::vector<std::pair<PyramidLevel, DenseDescriptors>>& levels,
                                const torch::Tensor& xy) {
  torch::Tensor sum;
  for (const auto& [level, dense] : levels) {
    if (!dense.map.defined()) continue;
    const auto of_level = SampleDescriptors(level.FromOriginal(xy).unsqueeze(0).to(dense.map.device()),
                                            dense.map, dense.sampling)[0]
                              .cpu();
    sum = sum.defined() ? sum + of_level : of_level;
  }
  TORCH_CHECK(sum.defined(), "PooledDescriptors: no level has descriptors");
  return F::normalize(sum, F::NormalizeFuncOptions().p(2).dim(0));
}

Features ExtractFromPyramid(const torch::Tensor& image, const KeypointOptions& options,
                            const LevelExtraction& extract) {
  TORCH_CHECK(!options.scales.empty() && options.place_radius >= 0,
              "ExtractFromPyramid: options must be resolved (ResolveOptions)");
  torch::NoGradGuard no_grad;
  std::vector<Features> levels;
  std::vector<std::pair<PyramidLevel, DenseDescriptors>> dense;
  for (const double scale : options.scales) {
    const PyramidLevel level = MakeLevel(image, scale);
    KeypointOptions own = options;
    own.remove_borders = BorderOf(level, options.remove_borders);
    own.pooled_descriptors = PoolsDescriptors(options);
    auto [features, descriptors] = extract(level, own);
    if (own.pooled_descriptors) dense.emplace_back(level, std::move(descriptors));
    features.keypoints = level.ToOriginal(features.keypoints);
    if (options.scales.size() > 1 || level.scale() != 1)
      features.scales = torch::full({features.size()}, level.scale(), features.scores.options());
    levels.push_back(std::move(features));
  }
  Features features =
      OneFeaturePerPlace(JoinFeatures(levels), options.place_radius, options.max_num_features);
  if (!dense.empty() && features.size() > 0)
    features.descriptors = PooledDescriptors(dense, features.keypoints);
  features.width = static_cast<int>(image.size(3));
  features.height = static_cast<int>(image.size(2));
  return features;
}

torch::Tensor LevelsOf(const Features& features, const std::vector<PyramidLevel>& levels) {
  const auto scales = features.scales.defined() ? features.scales : torch::ones({features.size()});
  std::vector<float> of_levels;
  for (const PyramidLevel& level : levels) of_levels.push_back(static_cast<float>(level.scale()));
  const auto distance = (scales.unsqueeze(1) / torch::tensor(of_levels).unsqueeze(0)).log().abs();
  return distance.argmin(1);
}

}  // namespace colmatch
