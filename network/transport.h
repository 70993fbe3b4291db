// Optimal transport for matching: coupling scores to matches, without gradients. sinkhorn.h has the problem.
#pragma once

#include <vector>

#include "network/features.h"

namespace colmatch {

// The log assignment (B, N+1, M+1) of scores (B, N, M), N and M at least 1: the scaling iteration in
// stretches, after each of which its factors are absorbed into the potentials, stopped when it has converged;
// a stretch that float32 cannot hold is done in the log domain. Same shapes and result as LogSinkhorn within
// rounding, whatever the scores span.
torch::Tensor SolveTransport(const torch::Tensor& scores, const torch::Tensor& bin_score, int num_iterations);

// MatchesFromLogAssignment of SolveTransport of one pair's scores (1, N, M), but on the CPU, where its
// factors stay in range, without the assignment in memory: one pass over the scores, one an iteration, one
// over the result.
FeatureMatches MatchByTransport(const torch::Tensor& scores, const torch::Tensor& bin_score,
                                int num_iterations, double match_threshold);

// Coupling scores (B, N, M) of pairs of which the i-th has counts0[i] x counts1[i], at least 1; the rest is
// padding of any finite values.
struct PaddedScores {
  torch::Tensor scores;
  std::vector<int64_t> counts0, counts1;
};

// MatchByTransport of each pair, all at once, for GPUs. The matches are on the CPU.
std::vector<FeatureMatches> MatchBatchByTransport(const PaddedScores& pairs, const torch::Tensor& bin_score,
                                                  int num_iterations, double match_threshold);

// Mutual maxima of the assignment without its dustbins whose probability exceeds match_threshold.
// log_assignment (N+1, M+1) of one pair; N and M may be 0.
FeatureMatches MatchesFromLogAssignment(const torch::Tensor& log_assignment, double match_threshold);

// Of n and m keypoints, on the CPU.
FeatureMatches NoMatches(int64_t n, int64_t m);

}  // namespace colmatch
