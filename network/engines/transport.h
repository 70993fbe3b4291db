// Optimal transport for matching: coupling scores to matches, without gradients. network/optimal_transport.h
// states the problem.
#pragma once

#include <vector>

#include "network/features.h"
#include "network/kernels/candidate_transport.h"

namespace colmatch {

// The log assignment (B, N+1, M+1) of scores (B, N, M), N and M at least 1: the scaling iteration in
// stretches, after each of which its factors are absorbed into the potentials, stopped when it has converged;
// a stretch that float32 cannot hold is done in the log domain. Same shapes and result as LogTransport within
// rounding, whatever the scores span.
torch::Tensor SolveTransport(const torch::Tensor& scores, const torch::Tensor& bin_score, int num_iterations);

// MatchesFromLogAssignment of SolveTransport of one pair's scores (1, N, M), but on the CPU, where its
// factors stay in range, without the assignment in memory: one pass over the scores, one an iteration, one
// over the result.
FeatureMatches MatchByTransport(const torch::Tensor& scores, const torch::Tensor& bin_score,
                                int num_iterations, double match_threshold);

// The same from the couplings that can matter; false, and matches as they were, where that cannot be shown:
// too many candidates, factors out of range, or omitted entries that might have half of match_threshold or a
// tenth of a keypoint's probability.
bool MatchByCandidates(const Candidates& candidates, int num_iterations, double match_threshold,
                       CandidateSolution& memory, FeatureMatches& matches);

// Coupling scores (B, N, M) of pairs of which the i-th has counts0[i] x counts1[i], at least 1; the rest is
// padding of any finite values.
struct PaddedScores {
  torch::Tensor scores;
  std::vector<int64_t> counts0, counts1;
};

// What was matched of pairs of PaddedScores, on their device; kUnmatched and 0 where padded.
struct PaddedMatches {
  torch::Tensor matches0, matches1;                  // (B, N), (B, M) int64, as in FeatureMatches
  torch::Tensor matching_scores0, matching_scores1;  // (B, N), (B, M)
};

// MatchByTransport of each pair, all at once, for GPUs: in our own kernels (transport_gpu.h) where they
// are compiled in and the factors stay in float32's range, else as SolveTransport does.
PaddedMatches MatchBatchByTransport(const PaddedScores& pairs, const torch::Tensor& bin_score,
                                    int num_iterations, double match_threshold);

// Between the two forms: the pairs' own matches, on the CPU, and padded to as many keypoints as any has.
std::vector<FeatureMatches> EachPair(const PaddedMatches& matches, const std::vector<int64_t>& counts0,
                                     const std::vector<int64_t>& counts1);
PaddedMatches Padded(const std::vector<FeatureMatches>& matches);

// Mutual maxima of assignments without their dustbins, log_assignment (B, N, M), whose probability exceeds
// match_threshold; -inf where padded. N and M at least 1.
PaddedMatches MutualMaxima(const torch::Tensor& log_assignment, double match_threshold);

// The same of one pair with its dustbins : log_assignment (N+1, M+1), N and M may be 0.
FeatureMatches MatchesFromLogAssignment(const torch::Tensor& log_assignment, double match_threshold);

// Of n and m keypoints, on the CPU.
FeatureMatches NoMatches(int64_t n, int64_t m);

}  // namespace colmatch
