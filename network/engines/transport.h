// Optimal transport for matching: from coupling scores to matches, without gradients.
// network/optimal_transport.h defines the problem.
#pragma once

#include <vector>

#include "network/features.h"
#include "network/kernels/candidate_transport.h"

namespace colmatch {

// The log assignment (B, N+1, M+1) of scores (B, N, M), N and M at least 1. The scaling iteration runs in
// stretches; after each stretch its factors are absorbed into the potentials. It stops at convergence. A
// stretch that exceeds float32's range is computed in the log domain. Same shapes and, within rounding, the
// same result as LogTransport, for scores of any range.
torch::Tensor SolveTransport(const torch::Tensor& scores, const torch::Tensor& bin_score, int num_iterations);

// The same matches as MatchesFromLogAssignment(SolveTransport(scores)) for one pair's scores (1, N, M). On
// the CPU, if the factors stay in range, the assignment is never stored: one pass over the scores, one pass
// per iteration, one pass over the result.
FeatureMatches MatchByTransport(const torch::Tensor& scores, const torch::Tensor& bin_score,
                                int num_iterations, double match_threshold);

// The same from candidate couplings. Returns false and leaves `matches` unchanged if the result cannot be
// guaranteed: too many candidates, factors out of range, or omitted entries that might hold half of
// match_threshold or a tenth of a keypoint's probability.
bool MatchByCandidates(const Candidates& candidates, int num_iterations, double match_threshold,
                       CandidateSolution& memory, FeatureMatches& matches);

// Coupling scores (B, N, M) of a batch of pairs. Pair i has counts0[i] x counts1[i] scores, both at least 1;
// the rest is padding with any finite values.
struct PaddedScores {
  torch::Tensor scores;
  std::vector<int64_t> counts0, counts1;
};

// The matches of PaddedScores, on the same device; kUnmatched and 0 as padding.
struct PaddedMatches {
  torch::Tensor matches0, matches1;                  // (B, N), (B, M) int64, as in FeatureMatches
  torch::Tensor matching_scores0, matching_scores1;  // (B, N), (B, M)
};

// MatchByTransport for all pairs at once, on GPUs: with colmatch's own kernels (transport_gpu.h) if they are
// compiled in and the factors stay in float32's range, otherwise like SolveTransport.
PaddedMatches MatchBatchByTransport(const PaddedScores& pairs, const torch::Tensor& bin_score,
                                    int num_iterations, double match_threshold);

// Conversions: to the matches of each pair, without padding, on the CPU; and back, padded to the largest
// pair.
std::vector<FeatureMatches> EachPair(const PaddedMatches& matches, const std::vector<int64_t>& counts0,
                                     const std::vector<int64_t>& counts1);
PaddedMatches Padded(const std::vector<FeatureMatches>& matches);

// Mutual maxima of the assignments log_assignment (B, N, M), without dustbins, whose probability exceeds
// match_threshold. Padding is -inf. N and M are at least 1.
PaddedMatches MutualMaxima(const torch::Tensor& log_assignment, double match_threshold);

// The same for one pair, with dustbins: log_assignment (N+1, M+1); N and M may be 0.
FeatureMatches MatchesFromLogAssignment(const torch::Tensor& log_assignment, double match_threshold);

// The result for n and m keypoints without any match, on the CPU.
FeatureMatches NoMatches(int64_t n, int64_t m);

}  // namespace colmatch
