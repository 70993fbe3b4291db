// What `colmatch benchmark` measures: one pair of networks in one precision.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "network/engines/superglue_engine.h"
#include "network/engines/transport.h"
#include "network/kernels/candidate_transport.h"
#include "network/superglue.h"
#include "network/superpoint.h"

namespace colmatch {

// Weights of this name are random networks of the published sizes.
inline constexpr char kPublishedSizes[] = "published sizes";
// Whether --weights means those: also published_sizes, and `official`, the name of earlier versions.
bool MeansPublishedSizes(const std::string& weights);

// A pair of images of one size with what is matched on them.
struct BenchmarkPair {
  Features first, second;
};

// Two views of random points, seven of ten in both, descriptors a little different: matching has as much to
// do as on photos.
BenchmarkPair RandomViews(int64_t num_keypoints, int descriptor_dim, int width, int height);

// What time is: as it passes, or what this thread was given of a processor, which other programs do not
// lengthen but which sees neither other threads nor a GPU.
enum class BenchmarkClock { kWall, kCpu };

// Milliseconds since any moment.
double BenchmarkNow(BenchmarkClock clock);

class BenchmarkSubject {
 public:
  // weights: as --weights, or "published sizes": random ones of these sizes, which match like nearest
  // neighbours. precision: fp32, bf16, int8 (on the CPU), fp16 (on a GPU, where batch_size pairs are matched
  // at once, by recorded launches if cuda_graphs). Throws UsageError where the weights name no SuperGlue.
  BenchmarkSubject(std::string weights, std::string precision, const torch::Device& device,
                   BenchmarkClock clock, int batch_size, bool cuda_graphs);

  const std::string& weights() const { return weights_; }
  const std::string& precision() const { return precision_; }
  // Random networks find nothing on them.
  bool sees_photos() const { return weights_ != kPublishedSizes; }
  int descriptor_dim() const { return superglue_->architecture().descriptor_dim; }

  // The strongest keypoints of an image (1, 1, H, W), however weak.
  Features Extract(const torch::Tensor& image, int64_t num_keypoints);
  // SuperGlue alone, without guidance.
  FeatureMatches Match(const BenchmarkPair& pair, int sinkhorn_iterations);

  // Takes the times of each stage once.
  void Measure(const torch::Tensor& image, int64_t num_keypoints, const BenchmarkPair& pair,
               int sinkhorn_iterations);
  void Forget() { times_.clear(); }

  // Medians of what was measured for so many keypoints; rate: operations a second of the matrix product in
  // this precision.
  nlohmann::ordered_json Result(int64_t num_keypoints, double matrix_product_rate) const;

 private:
  // Milliseconds; prepare: of one image, all others of one pair; sinkhorn and guidance: of all rounds.
  struct Times {
    std::vector<double> superpoint, prepare, layers, sinkhorn, guidance;
  };

  // As FeatureMatcher does on the CPU; false, and no times taken, where it needs all couplings.
  bool MeasureCandidates(const BenchmarkPair& pair, const torch::Tensor& prepared0,
                         const torch::Tensor& prepared1, const SuperGlueOptions& options, Times& times);
  PaddedMatches MatchScores(const PaddedScores& pairs, const SuperGlueOptions& options);
  // A GPU's batch is the same pair over and over.
  void MeasureMatching(const BenchmarkPair& pair, const torch::Tensor& prepared0,
                       const torch::Tensor& prepared1, const SuperGlueOptions& options, Times& times);

  std::string weights_, precision_;
  torch::Device device_;
  BenchmarkClock clock_;
  SuperPoint superpoint_{nullptr};
  std::optional<DenseNetwork> dense_;
  SuperGlue superglue_{nullptr};
  std::unique_ptr<SuperGlueEngine> engine_;
  int batch_size_;
  Candidates candidates_, guided_;  // of a pair on the CPU
  CandidateSolution solution_;
  std::map<int64_t, Times> times_;
};

// The share of keypoints of both images with the same match, or none, in both.
double MatchAgreement(const FeatureMatches& a, const FeatureMatches& b);

}  // namespace colmatch
