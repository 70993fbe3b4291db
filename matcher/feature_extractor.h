// Images to features: SuperPoint with its options on one device.
#pragma once

#include <utility>
#include <vector>

#include "matcher/device_fallback.h"
#include "matcher/tiled_extraction.h"
#include "matcher/turn.h"
#include "network/image_pyramid.h"
#include "network/keypoints.h"
#include "network/precision.h"
#include "network/weights.h"

namespace colmatch {

// One thread at a time. An image that does not fit into a GPU's memory is processed in smaller tiles, then on
// the CPU. Every function throws EnvironmentError if the GPU is lost. There is one extractor, so no
// interface.
class FeatureExtractor {
 public:
  FeatureExtractor(LoadedSuperPoint weights, const KeypointOptions& options, torch::Device device,
                   Precision precision = Precision::kFloat32);
  // Copies on the CPU share the weights and may work side by side, each in one thread at a time.

  void OnMemoryShortage(MemoryShortageHandler handler) { fallback_.OnShortage(std::move(handler)); }

  // pixels: height x width floats in [0, 1], row-major, processed at options' scales; a level under 8 x 8
  // pixels has no keypoints. The features are on the CPU, keypoints in the given image's pixels.
  Features Extract(const float* pixels, int width, int height) {
    return ExtractTiled(pixels, width, height, /*tile_size=*/0, {});
  }

  // The same in tiles of at most tile_size pixels of a level (0: whole), of keypoints that `keep` lets pass
  // (empty: all); see tiled_extraction.h.
  Features ExtractTiled(const float* pixels, int width, int height, int tile_size,
                        const KeypointFilter& keep);

  // What these features, in the given image's pixels and found at options' scales, look like in the image
  // turned by quarter turns.
  TurnedDescriptors DescribeTurned(const float* pixels, int width, int height, const Features& features);

  const std::vector<double>& scales() const { return options_.scales; }
  int refinement_radius() const { return options_.refinement_radius; }
  Refinement refinement() const { return options_.refinement; }
  double place_radius() const { return options_.place_radius; }
  int descriptor_dim() const { return weights_.network->architecture().descriptor_dim; }
  const LoadedSuperPoint& weights() const { return weights_; }
  bool is_on_cpu() const { return device_.is_cpu(); }
  // What SuperPoint computes in: kInt8 is SuperGlue's alone.
  Precision precision() const { return precision_; }

 private:
  LevelFeatures ExtractLevel(const torch::Tensor& image, const KeypointOptions& options, int tile_size,
                             const KeypointFilter& keep);
  TurnedDescriptors DescribeLevelTurned(const torch::Tensor& image, const torch::Tensor& keypoints);

  LoadedSuperPoint weights_;
  DenseNetwork network_;     // the form that computes
  KeypointOptions options_;  // ResolveOptions: nothing is left to the weights
  Precision precision_;
  torch::Device device_;
  DeviceFallback fallback_;
};

}  // namespace colmatch
