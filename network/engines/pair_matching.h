// From coupling scores to matches: optimal transport, and rounds of it that guidance comes between.
#pragma once

#include <functional>
#include <vector>

#include "network/engines/superglue_engine.h"
#include "network/engines/transport.h"
#include "network/features.h"
#include "network/superglue.h"

namespace colmatch {

// The end of matching: match(scores, options) of coupling scores, and as often as the rounds of guidance say,
// match(guide(matches), options) of better ones. Matches that only guide have half the iterations of
// transport, with which those they lead to are as good.
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

// MatchInRounds of the couplings that can matter: transport(candidates, iterations, matches) is
// MatchByCandidates, guide(matches, guided) makes guided candidates of the same couplings or returns false
// where the matches change none. A round whose matches are those that guided it already is not repeated.
// False where transport is, and matches are of no use then.
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

// The end of a pair: from its coupling scores (1, N, M), N and M at least 1, by optimal transport to matches.
FeatureMatches MatchCouplings(const SuperGlue& network, const torch::Tensor& scores,
                              const SuperGlueOptions& options);
// The same of many pairs at once, for GPUs.
PaddedMatches MatchCouplings(const SuperGlue& network, const PaddedScores& pairs,
                             const SuperGlueOptions& options);

// One pair, any keypoint counts (0 gives no matches); features on the engine's device. SuperGlue alone:
// guidance is the FeatureMatcher's.
FeatureMatches MatchFeatures(const SuperGlueEngine& engine, const Features& features0,
                             const Features& features1, const SuperGlueOptions& options);
// By the plain form.
FeatureMatches MatchFeatures(const SuperGlue& network, const Features& features0, const Features& features1,
                             const SuperGlueOptions& options);

// Better coupling scores (B, N, M) of pairs whose matches are known: pairs[i] is the caller's which[i]-th.
using RefineCouplings = std::function<torch::Tensor(const PaddedScores& pairs, const PaddedMatches& matches,
                                                    const std::vector<size_t>& which)>;

// Many pairs at once: images0[i] with images1[i], (1, N, D) each, N may be 0, as the engine prepared them.
// The matches are on the CPU. refine, if given, is called in each of the rounds of guidance, after which the
// pairs are matched anew.
std::vector<FeatureMatches> MatchPreparedPairs(const SuperGlueEngine& engine,
                                               const std::vector<torch::Tensor>& images0,
                                               const std::vector<torch::Tensor>& images1,
                                               const SuperGlueOptions& options,
                                               const RefineCouplings& refine = {});

}  // namespace colmatch
