// The measurements of `colmatch benchmark`; see benchmark_subject.h.
#include "plugin/experiments/benchmark_subject.h"

#include <torch/torch.h>

#include <algorithm>
#include <ctime>

#include "matcher/features_on_device.h"
#include "matcher/guidance/local_guidance.h"
#include "matcher/superglue_matcher.h"
#include "network/engines/pair_matching.h"
#include "network/engines/superpoint_engine.h"
#include "network/engines/transport.h"
#include "network/flops.h"
#include "network/image_pyramid.h"
#include "network/kernels/int8_linear.h"
#include "network/keypoints.h"
#include "network/weights.h"
#include "plugin/runtime/common_options.h"
#include "plugin/runtime/weights_location.h"
#include "util/error.h"
#include "util/median.h"

namespace colmatch {
namespace {

// Asynchronous devices are waited for.
void Wait(const torch::Tensor& result) { result.flatten()[0].item<float>(); }

// Random layers that move descriptors little, so that nearest neighbours stay matches.
SuperGlue RandomSuperGlue() {
  torch::manual_seed(0);
  SuperGlue network;
  torch::NoGradGuard no_grad;
  network->InitializeAsNearestNeighbor(/*gain=*/40);
  for (const auto& layer : *network->gnn->layers)
    layer->as<AttentionalPropagation>()->mlp->last()->weight.normal_(0, 1e-3);
  network->eval();
  return network;
}

}  // namespace

bool MeansPublishedSizes(const std::string& weights) {
  return weights == kPublishedSizes || weights == "published_sizes" || weights == "official";
}

BenchmarkPair RandomViews(int64_t n, int descriptor_dim, int width, int height) {
  torch::manual_seed(0);
  const auto size = torch::tensor({static_cast<float>(width), static_cast<float>(height)});
  const auto unit = [](const torch::Tensor& d) { return d / d.norm(2, 0, true); };
  const auto descriptors = unit(torch::randn({descriptor_dim, n}));
  Features first{torch::rand({n, 2}) * size, torch::rand({n}), descriptors, width, height};
  Features second{torch::rand({n, 2}) * size, torch::rand({n}), unit(torch::randn({descriptor_dim, n})),
                  width, height};
  const int64_t shared = 7 * n / 10;
  const double noise = 0.5 / std::sqrt(static_cast<double>(descriptor_dim));
  second.keypoints.narrow(0, 0, shared).copy_(first.keypoints.narrow(0, 0, shared) * 0.9 + 20);
  second.descriptors.narrow(1, 0, shared)
      .copy_(unit(descriptors.narrow(1, 0, shared) + noise * torch::randn({descriptor_dim, shared})));
  return {first, second};
}

double BenchmarkNow(BenchmarkClock clock) {
  timespec now{};
  clock_gettime(clock == BenchmarkClock::kCpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

BenchmarkSubject::BenchmarkSubject(std::string weights, std::string precision, const torch::Device& device,
                                   BenchmarkClock clock, int batch_size, bool cuda_graphs)
    : weights_(MeansPublishedSizes(weights) ? kPublishedSizes : std::move(weights)),
      precision_(std::move(precision)),
      device_(device),
      clock_(clock),
      batch_size_(device.is_cpu() ? 1 : batch_size) {
  if (weights_ == kPublishedSizes) {
    superglue_ = RandomSuperGlue();
    superpoint_ = SuperPoint();
  } else {
    const WeightsPaths paths = ResolveWeights(weights_);
    if (paths.superglue.empty()) throw UsageError("benchmark: --weights " + weights_ + " names no SuperGlue");
    superpoint_ = LoadSuperPoint(paths.superpoint).network;
    superglue_ = LoadSuperGlue(paths.superglue).network;
  }
  superglue_ = FoldBatchNorm(superglue_);
  superglue_->to(device_);
  superglue_->eval();
  const Precision inference = PrecisionFromName(precision_, device_);
  const Precision dense = SuperPointPrecision(inference, device_);
  if (dense != Precision::kFloat32) superpoint_ = FoldBatchNorm(superpoint_);
  superpoint_->to(device_);
  dense_ = MakeSuperPointEngine(superpoint_, dense, device_);
  engine_ = MakeSuperGlueEngine(superglue_, inference, device_, cuda_graphs);
}

Features BenchmarkSubject::Extract(const torch::Tensor& image, int64_t num_keypoints) {
  torch::NoGradGuard no_grad;
  KeypointOptions options = ResolveOptions({}, superpoint_->architecture());
  options.max_num_features = static_cast<int>(num_keypoints);
  options.keypoint_threshold = 0;
  return ExtractFromPyramid(image, options, [&](const PyramidLevel& level, const KeypointOptions& own) {
    DenseDescriptors dense;
    const Features features = ExtractFeatures(*dense_, level.image.to(device_), own, &dense);
    return LevelFeatures(ToDevice(features, torch::kCPU), std::move(dense));
  });
}

FeatureMatches BenchmarkSubject::Match(const BenchmarkPair& pair, int sinkhorn_iterations) {
  torch::NoGradGuard no_grad;
  SuperGlueOptions options;
  options.sinkhorn_iterations = sinkhorn_iterations;
  const Features first = ToDevice(pair.first, device_), second = ToDevice(pair.second, device_);
  if (device_.is_cpu()) return MatchFeatures(*engine_, first, second, options);
  return MatchPreparedPairs(*engine_, {engine_->Prepare(first)}, {engine_->Prepare(second)}, options).front();
}

void BenchmarkSubject::Measure(const torch::Tensor& image, int64_t num_keypoints, const BenchmarkPair& pair,
                               int sinkhorn_iterations) {
  torch::NoGradGuard no_grad;
  SuperGlueOptions options;
  options.sinkhorn_iterations = sinkhorn_iterations;
  Times& times = times_[num_keypoints];
  double begin = BenchmarkNow(clock_);
  Extract(image, num_keypoints);
  times.superpoint.push_back(BenchmarkNow(clock_) - begin);

  const Features first = ToDevice(pair.first, device_), second = ToDevice(pair.second, device_);
  begin = BenchmarkNow(clock_);
  const auto prepared0 = engine_->Prepare(first), prepared1 = engine_->Prepare(second);
  Wait(prepared1);
  times.prepare.push_back((BenchmarkNow(clock_) - begin) / 2);
  MeasureMatching(pair, prepared0, prepared1, options, times);
}

PaddedMatches BenchmarkSubject::MatchScores(const PaddedScores& pairs, const SuperGlueOptions& options) {
  if (!device_.is_cpu()) return MatchCouplings(superglue_, pairs, options);
  return Padded({MatchCouplings(superglue_, pairs.scores, options)});
}

bool BenchmarkSubject::MeasureCandidates(const BenchmarkPair& pair, const torch::Tensor& prepared0,
                                         const torch::Tensor& prepared1, const SuperGlueOptions& options,
                                         Times& times) {
  if (!device_.is_cpu() || !UsesCandidates(superglue_, options, PrecisionFromName(precision_, device_)))
    return false;
  const Positions first{pair.first.keypoints, pair.first.width, pair.first.height},
      second{pair.second.keypoints, pair.second.width, pair.second.height};
  double from = BenchmarkNow(clock_), sinkhorn = 0, guidance = 0;
  const auto passed = [&] {
    const double now = BenchmarkNow(clock_), since = now - from;
    from = now;
    return since;
  };
  engine_->SelectCandidates(prepared0, prepared1, candidates_);
  const double layers = passed();
  const auto transport = [&](const Candidates& candidates, int iterations, FeatureMatches& matches) {
    passed();
    const bool done = MatchByCandidates(candidates, iterations, options.match_threshold, solution_, matches);
    sinkhorn += passed();
    return done;
  };
  const auto guide = [&](const FeatureMatches& matches, Candidates& guided) {
    passed();
    const bool changed = GuideCandidates(candidates_, matches, first, second, guided);
    guidance += passed();
    return changed;
  };
  FeatureMatches matches;
  if (!MatchCandidatesInRounds(superglue_, options, candidates_, transport, guide, guided_, matches))
    return false;
  times.layers.push_back(layers);
  times.sinkhorn.push_back(sinkhorn);
  times.guidance.push_back(guidance);
  return true;
}

void BenchmarkSubject::MeasureMatching(const BenchmarkPair& pair, const torch::Tensor& prepared0,
                                       const torch::Tensor& prepared1, const SuperGlueOptions& options,
                                       Times& times) {
  if (MeasureCandidates(pair, prepared0, prepared1, options, times)) return;
  const auto copies = [&](const torch::Tensor& image) {
    return PadRows(std::vector<torch::Tensor>(static_cast<size_t>(batch_size_), image));
  };
  double begin = BenchmarkNow(clock_);
  PaddedScores pairs;
  const PaddedRows rows0 = copies(prepared0), rows1 = copies(prepared1);
  pairs = {engine_->Couplings(rows0, rows1), rows0.counts, rows1.counts};
  Wait(pairs.scores);
  times.layers.push_back((BenchmarkNow(clock_) - begin) / batch_size_);
  const Positions first{pair.first.keypoints.to(device_), pair.first.width, pair.first.height},
      second{pair.second.keypoints.to(device_), pair.second.width, pair.second.height};
  const std::vector<const Positions*> images0(pairs.scores.size(0), &first),
      images1(pairs.scores.size(0), &second);
  double sinkhorn = 0, guidance = 0;
  const auto match = [&](const torch::Tensor& scores, const SuperGlueOptions& o) {
    const double from = BenchmarkNow(clock_);
    auto matches = MatchScores({scores, pairs.counts0, pairs.counts1}, o);
    Wait(matches.matches0);
    sinkhorn += BenchmarkNow(clock_) - from;
    return matches;
  };
  const auto guide = [&](const PaddedMatches& matches) {
    const double from = BenchmarkNow(clock_);
    auto scores = GuideCouplings(pairs, matches, images0, images1);
    Wait(scores);
    guidance += BenchmarkNow(clock_) - from;
    return scores;
  };
  MatchInRounds(superglue_, options, pairs.scores, match, guide);
  times.sinkhorn.push_back(sinkhorn / batch_size_);
  times.guidance.push_back(guidance / batch_size_);
}

nlohmann::ordered_json BenchmarkSubject::Result(int64_t num_keypoints, double matrix_product_rate) const {
  const Times& times = times_.at(num_keypoints);
  const double prepare = UpperMedian(times.prepare), layers = UpperMedian(times.layers),
               sinkhorn = UpperMedian(times.sinkhorn), guidance = UpperMedian(times.guidance);
  const double flops = SuperGlueFlops(superglue_->architecture(), num_keypoints, num_keypoints);
  const double network = 2 * prepare + layers;
  const auto [least, most] = std::minmax_element(times.layers.begin(), times.layers.end());
  return {{"weights", weights_},
          {"depth", superglue_->architecture().num_layer_pairs},
          {"precision", precision_},
          {"num_keypoints", num_keypoints},
          {"batch_size", batch_size_},
          {"pairs_per_second", 1000 / (layers + sinkhorn + guidance)},
          {"pairs_per_second_alone", 1000 / (network + sinkhorn + guidance)},
          {"median_ms",
           {{"superpoint", UpperMedian(times.superpoint)},
            {"prepare", prepare},
            {"layers", layers},
            {"sinkhorn", sinkhorn},
            {"guidance", guidance}}},
          {"layers_ms_range", {*least, *most}},
          {"gflop_per_pair", flops * 1e-9},
          {"share_of_matrix_product", flops / (1e-3 * network) / matrix_product_rate}};
}

double MatchAgreement(const FeatureMatches& a, const FeatureMatches& b) {
  const auto equal = torch::cat({a.matches0 == b.matches0, a.matches1 == b.matches1}).to(torch::kDouble);
  return equal.numel() == 0 ? 1 : equal.mean().item<double>();
}

}  // namespace colmatch
