// Images to features; see feature_extractor.h.
#include "matcher/feature_extractor.h"

#include <torch/torch.h>

#include <algorithm>
#include <string>

#include "matcher/memory_needs.h"
#include "network/engines/superpoint_engine.h"
#include "network/kernels/bf16.h"
#include "util/error.h"

namespace colmatch {
namespace {

// Sizes of tiles to try on a GPU, the given one first: smaller ones where they give the same features.
std::vector<int> TileSizesToTry(int width, int height, int tile_size,
                                const SuperPointArchitecture& architecture, const KeypointOptions& options) {
  constexpr int kSmallest = 512;
  std::vector<int> sizes = {tile_size};
  if (architecture.sampling == DescriptorSampling::kPublished) return sizes;
  const int largest = tile_size == 0 ? std::max(width, height) : tile_size;
  for (int size = largest / 2; size >= std::max(kSmallest, SmallestTileSize(options)); size /= 2)
    sizes.push_back(size);
  return sizes;
}

std::string ItemText(int width, int height) {
  return "an image of " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
}

}  // namespace

FeatureExtractor::FeatureExtractor(LoadedSuperPoint weights, const KeypointOptions& options,
                                   torch::Device device, Precision precision)
    : weights_(std::move(weights)),
      network_(weights_.network),
      options_(options),
      precision_(precision == Precision::kInt8 ? Precision::kFloat32 : precision),
      device_(device),
      fallback_(device) {
  options_.Validate();
  options_ = ResolveOptions(options_, weights_.network->architecture());
  RequireDeviceFor(precision_, device);
  const bool in_halves = precision_ != Precision::kFloat32;
  if (in_halves) {
    if (device.is_cpu() && !HasBf16Instructions())
      throw EnvironmentError(
          "--precision bf16: this machine's CPU has no bf16 instructions (AVX512_BF16), without which "
          "SuperPoint "
          "would be slower than in float32; use --precision fp32");
    weights_.network = FoldBatchNorm(weights_.network);
    weights_.network->eval();
  }
  weights_.network->to(device);
  network_ = MakeSuperPointEngine(weights_.network, precision_, device);
  fallback_.SetMove(MoveOf(weights_.network));
}

Features FeatureExtractor::ExtractTiled(const float* pixels, int width, int height, int tile_size,
                                        const KeypointFilter& keep) {
  const auto image = torch::from_blob(const_cast<float*>(pixels), {1, 1, height, width});
  const auto extract = [&](const PyramidLevel& level, const KeypointOptions& options) {
    const auto keep_in_level = [&](const torch::Tensor& xy) { return keep(level.ToOriginal(xy)); };
    return ExtractLevel(level.image, options, tile_size, keep ? keep_in_level : KeypointFilter());
  };
  // The levels are made where the network is, if they fit there.
  Features features;
  const auto extract_on = [&](torch::Device device) {
    features = ExtractFromPyramid(image.to(device), options_, extract);
  };
  if (!fallback_.Try(extract_on)) extract_on(torch::kCPU);
  return features;
}

LevelFeatures FeatureExtractor::ExtractLevel(const torch::Tensor& image, const KeypointOptions& options,
                                             int tile_size, const KeypointFilter& keep) {
  const auto height = static_cast<int>(image.size(2)), width = static_cast<int>(image.size(3));
  LevelFeatures found({});
  const auto extract_in_tiles = [&](int size) {
    return [&, size](torch::Device device) {
      found.dense = {};
      found.features = ExtractInTiles(network_, image, options, size, keep, device,
                                      options.pooled_descriptors ? &found.dense : nullptr);
    };
  };
  for (const int size : TileSizesToTry(width, height, tile_size, weights_.network->architecture(), options)) {
    if (fallback_.Try(extract_in_tiles(size))) return found;
  }
  fallback_.RunOnCpu(
      extract_in_tiles(tile_size), ItemText(width, height),
      tile_size == 0 ? ExtractionMemory(width, height) : ExtractionMemory(tile_size, tile_size));
  return found;
}

TurnedDescriptors FeatureExtractor::DescribeTurned(const float* pixels, int width, int height,
                                                   const Features& features) {
  TurnedDescriptors turned;
  turned.fill(torch::zeros({descriptor_dim(), features.size()}));
  if (features.size() == 0) return turned;
  torch::NoGradGuard no_grad;
  const auto image = torch::from_blob(const_cast<float*>(pixels), {1, 1, height, width});
  std::vector<PyramidLevel> levels;
  for (const double scale : options_.scales) levels.push_back(MakeLevel(image, scale));
  if (PoolsDescriptors(options_)) {
    for (const PyramidLevel& level : levels) {
      if (std::min(level.image.size(2), level.image.size(3)) < kCellSize) continue;
      const auto of_level = DescribeLevelTurned(level.image, level.FromOriginal(features.keypoints));
      for (size_t k = 0; k < turned.size(); ++k) turned[k] = turned[k] + of_level[k];
    }
    for (torch::Tensor& descriptors : turned)
      descriptors = torch::nn::functional::normalize(
          descriptors, torch::nn::functional::NormalizeFuncOptions().p(2).dim(0));
    return turned;
  }
  const auto level_of = LevelsOf(features, levels);
  for (size_t i = 0; i < levels.size(); ++i) {
    const auto indices = (level_of == static_cast<int64_t>(i)).nonzero().squeeze(1);
    if (indices.size(0) == 0) continue;
    const auto xy = levels[i].FromOriginal(features.keypoints.index_select(0, indices));
    const auto of_level = DescribeLevelTurned(levels[i].image, xy);
    for (size_t k = 0; k < turned.size(); ++k) turned[k] = turned[k].index_copy(1, indices, of_level[k]);
  }
  return turned;
}

TurnedDescriptors FeatureExtractor::DescribeLevelTurned(const torch::Tensor& image,
                                                        const torch::Tensor& keypoints) {
  const auto height = static_cast<int>(image.size(2)), width = static_cast<int>(image.size(3));
  TurnedDescriptors turned;
  const auto describe = [&](torch::Device device) {
    for (int k = 1; k <= 3; ++k) {
      // rot90 turns the other way round.
      const auto seen = image.to(device).rot90(-k, {2, 3}).contiguous();
      const SuperPointOutput output = network_(seen);
      const auto xy = TurnPoints(keypoints, width, height, k).unsqueeze(0).to(device);
      turned[static_cast<size_t>(k - 1)] =
          SampleDescriptors(xy, output.descriptors, output.sampling)[0].cpu();
    }
  };
  fallback_.Run(describe, ItemText(width, height), ExtractionMemory(width, height));
  return turned;
}

}  // namespace colmatch
