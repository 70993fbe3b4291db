// Coupling scores to matches; see pair_matching.h.
#include "network/engines/pair_matching.h"

#include <torch/torch.h>

#include <utility>

namespace colmatch {

FeatureMatches MatchCouplings(const SuperGlue& network, const torch::Tensor& scores,
                              const SuperGlueOptions& options) {
  return MatchByTransport(scores, network->bin_score, IterationsOf(network, options),
                          options.match_threshold);
}

PaddedMatches MatchCouplings(const SuperGlue& network, const PaddedScores& pairs,
                             const SuperGlueOptions& options) {
  return MatchBatchByTransport(pairs, network->bin_score, IterationsOf(network, options),
                               options.match_threshold);
}

FeatureMatches MatchFeatures(const SuperGlueEngine& engine, const Features& features0,
                             const Features& features1, const SuperGlueOptions& options) {
  torch::NoGradGuard no_grad;
  const int64_t n = features0.size(), m = features1.size();
  if (n == 0 || m == 0) return NoMatches(n, m);
  return MatchCouplings(engine.network(),
                        engine.CouplingsOfPair(engine.Prepare(features0), engine.Prepare(features1)),
                        options);
}

FeatureMatches MatchFeatures(const SuperGlue& network, const Features& features0, const Features& features1,
                             const SuperGlueOptions& options) {
  return MatchFeatures(*MakePlainSuperGlue(network), features0, features1, options);
}

std::vector<FeatureMatches> MatchPreparedPairs(const SuperGlueEngine& engine,
                                               const std::vector<torch::Tensor>& images0,
                                               const std::vector<torch::Tensor>& images1,
                                               const SuperGlueOptions& options,
                                               const RefineCouplings& refine) {
  torch::NoGradGuard no_grad;
  std::vector<FeatureMatches> results;
  std::vector<torch::Tensor> some0, some1;  // of pairs with keypoints on both sides
  std::vector<size_t> places;
  for (size_t i = 0; i < images0.size(); ++i) {
    results.push_back(NoMatches(images0[i].size(1), images1[i].size(1)));
    if (images0[i].size(1) == 0 || images1[i].size(1) == 0) continue;
    some0.push_back(images0[i]);
    some1.push_back(images1[i]);
    places.push_back(i);
  }
  if (places.empty()) return results;
  const PaddedRows padded0 = PadRows(some0), padded1 = PadRows(some1);
  const PaddedScores pairs{engine.Couplings(padded0, padded1), padded0.counts, padded1.counts};
  const auto match = [&](const torch::Tensor& scores, const SuperGlueOptions& o) {
    return MatchCouplings(engine.network(), PaddedScores{scores, pairs.counts0, pairs.counts1}, o);
  };
  const auto guide = [&](const PaddedMatches& matches) { return refine(pairs, matches, places); };
  SuperGlueOptions own = options;
  if (!refine) own.guidance_rounds = 0;
  const PaddedMatches matches = MatchInRounds(engine.network(), own, pairs.scores, match, guide);
  auto found = EachPair(matches, pairs.counts0, pairs.counts1);
  for (size_t i = 0; i < places.size(); ++i) results[places[i]] = std::move(found[i]);
  return results;
}

}  // namespace colmatch
