// SuperGlue as a matcher; see superglue_matcher.h.
#include "matcher/superglue_matcher.h"

#include <torch/torch.h>

#include <utility>

#include "matcher/features_on_device.h"
#include "matcher/prefiltered_matcher.h"
#include "network/batch_norm_folding.h"
#include "network/engines/pair_matching.h"
#include "network/kernels/bf16.h"
#include "util/error.h"

namespace colmatch {

struct SuperGlueMatcher::Image : PreparedImage {
  torch::Tensor rows;   // (1, N, D), see SuperGlueEngine::Prepare
  Positions positions;  // for guidance

  int64_t size() const override { return rows.size(1); }
};

bool UsesCandidates(const SuperGlue& network, const SuperGlueOptions& options, Precision precision) {
  return precision != Precision::kFloat32 || GuidanceRoundsOf(network, options) > 0;
}

SuperGlueMatcher::SuperGlueMatcher(MatcherSetup setup)
    : network_(FoldBatchNorm(setup.superglue.network)),
      options_(setup.options),
      is_on_gpu_(!setup.device.is_cpu()),
      fallback_(setup.device, setup.options.batch_size, std::move(setup.on_memory_shortage)) {
  network_->eval();
  network_->to(setup.device);
  fallback_.SetMove(MoveOf(network_));
  RequireDeviceFor(options_.precision, setup.device);
  engine_ = MakeSuperGlueEngine(network_, options_.precision, setup.device, options_.cuda_graphs);
  cpu_engine_ = is_on_gpu_ ? MakePlainSuperGlue(network_) : engine_;
}

SuperGlueMatcher::SuperGlueMatcher(const SuperGlueMatcher& other, torch::Device device)
    : network_(other.network_),
      options_(other.options_),
      engine_(other.engine_),
      cpu_engine_(other.cpu_engine_),
      fallback_(device, other.options_.batch_size, {}) {}

std::unique_ptr<FeatureMatcher> SuperGlueMatcher::ShareOnCpu() const {
  TORCH_CHECK(!is_on_gpu_, "SuperGlueMatcher::ShareOnCpu: the matcher is on a GPU");
  return std::unique_ptr<FeatureMatcher>(new SuperGlueMatcher(*this, torch::kCPU));
}

const SuperGlueEngine& SuperGlueMatcher::EngineOn(torch::Device device) const {
  return device.is_cpu() ? *cpu_engine_ : *engine_;
}

const SuperGlueMatcher::Image& SuperGlueMatcher::Of(const std::shared_ptr<const PreparedImage>& image) {
  return static_cast<const Image&>(*image);
}

std::shared_ptr<const PreparedImage> SuperGlueMatcher::Prepare(const Features& features) {
  const auto image = std::make_shared<Image>();
  const auto prepare = [&](torch::Device device) {
    const Features here = ToDevice(features, device);
    image->rows = EngineOn(device).Prepare(here);
    image->positions = {here.keypoints, features.width, features.height};
  };
  fallback_.Prepare(prepare, features.size());
  return image;
}

std::vector<FeatureMatches> SuperGlueMatcher::MatchBatch(const std::vector<PreparedPair>& pairs) {
  return fallback_.Match(pairs, [this](torch::Device device, const PreparedPair* some, size_t count) {
    return MatchSome(device, some, count);
  });
}

bool SuperGlueMatcher::MatchCandidates(const Image& image0, const Image& image1, FeatureMatches& matches,
                                       torch::Tensor& all_couplings) {
  const SuperGlueEngine& engine = *cpu_engine_;
  all_couplings = engine.SelectCandidates(image0.rows.cpu(), image1.rows.cpu(), candidates_);
  const auto transport = [&](const Candidates& candidates, int iterations, FeatureMatches& found) {
    return MatchByCandidates(candidates, iterations, options_.superglue.match_threshold, solution_, found);
  };
  const auto guide = [&](const FeatureMatches& found, Candidates& guided) {
    return GuideCandidates(candidates_, found, image0.positions, image1.positions, guided);
  };
  if (MatchCandidatesInRounds(engine.network(), options_.superglue, candidates_, transport, guide, guided_,
                              matches))
    return true;
  if (!all_couplings.defined()) all_couplings = engine.AllCouplings();
  return false;
}

FeatureMatches SuperGlueMatcher::MatchGuided(const Image& image0, const Image& image1) {
  const int64_t n = image0.size(), m = image1.size();
  if (n == 0 || m == 0) return NoMatches(n, m);
  PaddedScores pair{{}, {n}, {m}};
  if (UsesCandidates(network_, options_.superglue, options_.precision)) {
    FeatureMatches matches;
    if (MatchCandidates(image0, image1, matches, pair.scores)) return matches;
  } else {
    pair.scores = cpu_engine_->CouplingsOfPair(image0.rows.cpu(), image1.rows.cpu());
  }
  const auto match = [&](const torch::Tensor& scores, const SuperGlueOptions& options) {
    return MatchCouplings(network_, scores, options);
  };
  const auto guide = [&](const FeatureMatches& matches) {
    return GuideCouplings(pair, Padded({matches}), {&image0.positions}, {&image1.positions});
  };
  return MatchInRounds(network_, options_.superglue, pair.scores, match, guide);
}

// What was prepared on the CPU for lack of memory is brought to the device.
std::vector<FeatureMatches> SuperGlueMatcher::MatchInEngine(torch::Device device, const PreparedPair* pairs,
                                                            size_t count) {
  std::vector<torch::Tensor> images0, images1;
  for (size_t i = 0; i < count; ++i) {
    images0.push_back(Of(pairs[i].image0).rows.to(device));
    images1.push_back(Of(pairs[i].image1).rows.to(device));
  }
  const auto guide = [&](const PaddedScores& scores, const PaddedMatches& matches,
                         const std::vector<size_t>& which) {
    std::vector<const Positions*> positions0, positions1;
    for (const size_t i : which) {
      positions0.push_back(&Of(pairs[i].image0).positions);
      positions1.push_back(&Of(pairs[i].image1).positions);
    }
    return GuideCouplings(scores, matches, positions0, positions1);
  };
  return MatchPreparedPairs(*engine_, images0, images1, options_.superglue, guide);
}

std::vector<FeatureMatches> SuperGlueMatcher::MatchSome(torch::Device device, const PreparedPair* pairs,
                                                        size_t count) {
  if (!device.is_cpu()) return MatchInEngine(device, pairs, count);
  std::vector<FeatureMatches> results;
  for (size_t i = 0; i < count; ++i)
    results.push_back(OnCpu(MatchGuided(Of(pairs[i].image0), Of(pairs[i].image1))));
  return results;
}

namespace {

std::unique_ptr<FeatureMatcher> Make(MatcherSetup setup) {
  PrefilterSetup prefilter;
  prefilter.options = setup.options.prefilter.ResolvedFor(setup.superglue.network->architecture());
  prefilter.in_bf16 = setup.options.precision != Precision::kFloat32 && HasBf16Instructions();
  prefilter.counts = setup.prefilter_counts;
  auto matcher = std::make_unique<SuperGlueMatcher>(std::move(setup));
  if (prefilter.options.min_neighbors <= 0) return matcher;
  return std::make_unique<PrefilteredMatcher>(std::move(matcher), std::move(prefilter));
}

}  // namespace

// Declared in matcher_list.cc.
MatcherEntry SuperGlueEntry() { return {"superglue", "SuperGlue", /*needs_superglue=*/true, Make, nullptr}; }

}  // namespace colmatch
