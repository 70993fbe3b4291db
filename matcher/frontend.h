// The front end: a grey image to features, two sets of features to matches, with loaded weights on one
// device.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "matcher/device_fallback.h"
#include "matcher/guidance/local_guidance.h"
#include "matcher/nearest_neighbor.h"
#include "matcher/prefilter.h"
#include "matcher/tiled_extraction.h"
#include "matcher/turn.h"
#include "network/engines/superglue_engine.h"
#include "network/keypoints.h"
#include "network/precision.h"
#include "network/superglue.h"
#include "network/weights.h"

namespace colmatch {

Features ToDevice(const Features& features, const torch::Device& device);

enum class MatcherType { kSuperGlue, kNearestNeighbor, kMutualNearestNeighbor, kRatioTest };

// superglue, nn, nn_mutual, nn_ratio; throws UsageError listing them.
MatcherType MatcherTypeFromName(const std::string& name);

struct MatcherOptions {
  MatcherType type = MatcherType::kSuperGlue;
  SuperGlueOptions superglue;
  PrefilterOptions prefilter;
  double max_ratio = 0.8;                     // of nn_ratio
  Precision precision = Precision::kFloat32;  // of SuperGlue
  int batch_size = 16;                        // pairs at once, on a GPU
  bool cuda_graphs = false;                   // on a GPU, see DeviceGraphs

  void Validate() const;  // throws UsageError naming field, value and bound
};

// About what a pair or an image takes of the CPU's memory, bytes.
uint64_t MatchingMemory(int64_t keypoints0, int64_t keypoints1);
uint64_t ExtractionMemory(int width, int height);

// SuperPoint with its options. One thread at a time. What does not fit into a GPU's memory is looked at in
// smaller tiles, then on the CPU. Every function throws EnvironmentError if the GPU is lost.
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
  double place_radius() const { return options_.place_radius; }
  int descriptor_dim() const { return weights_.network->architecture().descriptor_dim; }
  const LoadedSuperPoint& weights() const { return weights_; }
  bool is_on_cpu() const { return device_.is_cpu(); }
  // What SuperPoint computes in: kInt8 is SuperGlue's alone.
  Precision precision() const { return precision_; }

 private:
  Features ExtractLevel(const torch::Tensor& image, const KeypointOptions& options, int tile_size,
                        const KeypointFilter& keep);
  TurnedDescriptors DescribeLevelTurned(const torch::Tensor& image, const torch::Tensor& keypoints);

  LoadedSuperPoint weights_;
  DenseNetwork network_;     // the form that computes
  KeypointOptions options_;  // ResolveOptions: nothing is left to the weights
  Precision precision_;
  torch::Device device_;
  DeviceFallback fallback_;
};

// Whether a pair is matched on the CPU from the couplings that can matter (candidates.h), where they suffice:
// not in float32 without guidance, as imported weights are used, where all couplings count, as published.
bool UsesCandidates(const SuperGlue& network, const SuperGlueOptions& options, Precision precision);

// An image as its FeatureMatcher takes it, made once for all its pairs.
struct PreparedImage {
  Features features;        // of the baselines
  torch::Tensor rows;       // (1, N, D), see SuperGlueEngine::Prepare; of SuperGlue
  Positions positions;      // for its guidance
  PrefilterRows prefilter;  // where pairs are tested before

  int64_t size() const { return rows.defined() ? rows.size(1) : features.size(); }  // keypoints
};

struct PreparedPair {
  std::shared_ptr<const PreparedImage> image0, image1;
};

// SuperGlue or a baseline. One thread at a time. A pair that does not fit into a GPU's memory is matched on
// the CPU. Every function throws EnvironmentError if the GPU is lost.
class FeatureMatcher {
 public:
  // superglue may be empty (network.is_empty()) where the type needs none.
  FeatureMatcher(LoadedSuperGlue superglue, const MatcherOptions& options, torch::Device device);
  // Another one of the same network on the CPU, for another thread: they share the weights and may work side
  // by side. Not for a matcher on a GPU.
  FeatureMatcher ShareOnCpu() const;

  void OnMemoryShortage(MemoryShortageHandler handler) { fallback_.OnShortage(std::move(handler)); }

  PreparedImage Prepare(const Features& features);

  // One pair; any keypoint counts. The result is on the CPU, and the same whether prepared before or not.
  FeatureMatches Match(const PreparedImage& image0, const PreparedImage& image1);
  // Match of each pair. On a GPU, SuperGlue's together, as far as its memory goes.
  std::vector<FeatureMatches> MatchBatch(const std::vector<PreparedPair>& pairs);
  // Pairs that were not given to SuperGlue for lack of similar descriptors, by all matchers that share this
  // one's network (ShareOnCpu) together.
  int64_t skipped_pairs() const { return prefilter_counts_->skipped; }
  // From now on they are counted here.
  void CountPairsIn(std::shared_ptr<PrefilterCounts> counts) { prefilter_counts_ = std::move(counts); }
  // How many pairs MatchBatch is best given: 1 where they would be matched one by one.
  int batch_size() const { return is_on_gpu_ ? options_.batch_size : 1; }
  FeatureMatches Match(const Features& features0, const Features& features1);

 private:
  FeatureMatcher(const FeatureMatcher& other, torch::Device device);
  const SuperGlueEngine& EngineOn(torch::Device device) const;
  bool IsUnpromising(const PreparedPair& pair) const;
  // Each pair, promising or not.
  std::vector<FeatureMatches> MatchAll(const std::vector<PreparedPair>& pairs);
  // SuperGlue, with as many rounds of guidance as it is to have: one pair on the CPU, the first `count` of
  // the pairs on a GPU.
  FeatureMatches MatchGuided(const PreparedImage& image0, const PreparedImage& image1);
  // The same from the couplings that can matter, where that is shown to suffice; else false and all
  // couplings.
  bool MatchCandidates(const PreparedImage& image0, const PreparedImage& image1, FeatureMatches& matches,
                       torch::Tensor& all_couplings);
  std::vector<FeatureMatches> MatchInEngine(torch::Device device, const PreparedPair* pairs, size_t count);
  // The first `count` of the pairs.
  std::vector<FeatureMatches> MatchOn(torch::Device device, const PreparedPair* pairs, size_t count);

  LoadedSuperGlue superglue_;
  MatcherOptions options_;
  std::shared_ptr<const SuperGlueEngine> engine_;      // of the device; shared between workers on the CPU
  std::shared_ptr<const SuperGlueEngine> cpu_engine_;  // where the device is a GPU whose memory is short
  std::shared_ptr<PrefilterCounts> prefilter_counts_ = std::make_shared<PrefilterCounts>();
  bool is_on_gpu_ = false;  // with SuperGlue, whose pairs then go together
  size_t most_at_once_;     // pairs that its memory held
  DeviceFallback fallback_;
  Candidates candidates_, guided_;  // of the pair at hand, on the CPU
  CandidateSolution solution_;
};

// One match: keypoint indices and confidence in [0, 1].
struct MatchedPair {
  int index0 = 0, index1 = 0;
  float confidence = 0;
};

// Every keypoint of each image at most once, by rising index0: where several of image 0 chose the same of
// image 1 (a baseline without mutual check) the most confident stays.
std::vector<MatchedPair> ListMatches(const FeatureMatches& matches);

}  // namespace colmatch
