// From coupling scores to matches: optimal transport, repeated in rounds of guidance.
#pragma once

#include <functional>
#include <vector>

#include "network/engines/superglue_engine.h"
#include "network/engines/transport.h"
#include "network/features.h"
#include "network/superglue.h"

namespace colmatch {

// Matches by optimal transport in rounds: first match(scores, options) on the coupling scores, then, once per
// round of guidance, match(guide(matches), options) on improved scores. Matches that only guide the next
// round use half the iterations of transport; the final matches are as good.
template <typename Match, typename Guide>
auto MatchInRounds(const SuperGlue& network, const SuperGlueOptions& options, const torch::Tensor& scores,
                   const Match& match, const Guide& guide) {
  const int rounds = GuidanceRoundsOf(network, options);
  SuperGlueOptions guiding = options;
  guiding.sinkhorn_iterations = (IterationsOf(network, options) + 1) / 2;
  auto matches = match(scores, rounds > 0 ? guiding : options);
  for (int round = 1; round <= rounds; ++round)
    matches = match(guide(matches), round < rounds ? guiding : options);
  return matches;
}

// MatchInRounds on candidate couplings. transport(candidates, iterations, matches) is MatchByCandidates.
// guide(matches, guided) writes guided candidates of the same couplings, or returns false if the matches
// change none. If a round finds the same matches as those that guided it, it is not repeated. Returns false
// if transport does; `matches` are then invalid.
template <typename Transport, typename Guide>
bool MatchCandidatesInRounds(const SuperGlue& network, const SuperGlueOptions& options,
                             const Candidates& candidates, const Transport& transport, const Guide& guide,
                             Candidates& guided, FeatureMatches& matches) {
  const int rounds = GuidanceRoundsOf(network, options), all = IterationsOf(network, options),
            half = (all + 1) / 2;
  if (!transport(candidates, rounds > 0 ? half : all, matches)) return false;
  torch::Tensor guided_by;
  for (int round = 1; round <= rounds; ++round) {
    const bool again = guided_by.defined() && guided_by.equal(matches.matches0);
    const bool changed = again || guide(matches, guided);
    guided_by = matches.matches0;
    const bool last = round == rounds || again || !changed;
    if (!transport(changed ? guided : candidates, last ? all : half, matches)) return false;
    if (last) break;
  }
  return true;
}

// Matches one pair by optimal transport, from its coupling scores (1, N, M), with N and M at least 1.
FeatureMatches MatchCouplings(const SuperGlue& network, const torch::Tensor& scores,
                              const SuperGlueOptions& options);
// The same for many pairs at once, on GPUs.
PaddedMatches MatchCouplings(const SuperGlue& network, const PaddedScores& pairs,
                             const SuperGlueOptions& options);

// Matches one pair with any numbers of keypoints (0 gives no matches). Features must be on the engine's
// device. Without guidance, which the FeatureMatcher adds.
FeatureMatches MatchFeatures(const SuperGlueEngine& engine, const Features& features0,
                             const Features& features1, const SuperGlueOptions& options);
// The same with the plain engine (MakePlainSuperGlue).
FeatureMatches MatchFeatures(const SuperGlue& network, const Features& features0, const Features& features1,
                             const SuperGlueOptions& options);

// Improves the coupling scores (B, N, M) of pairs whose matches are known. pairs[i] is the caller's pair
// which[i].
using RefineCouplings = std::function<torch::Tensor(const PaddedScores& pairs, const PaddedMatches& matches,
                                                    const std::vector<size_t>& which)>;

// Matches many pairs at once: images0[i] with images1[i], each (1, N, D) as the engine prepared it; N may be
// 0. The matches are on the CPU. refine, if given, is called in each round of guidance; the pairs are then
// matched again.
std::vector<FeatureMatches> MatchPreparedPairs(const SuperGlueEngine& engine,
                                               const std::vector<torch::Tensor>& images0,
                                               const std::vector<torch::Tensor>& images1,
                                               const SuperGlueOptions& options,
                                               const RefineCouplings& refine = {});

}  // namespace colmatch
