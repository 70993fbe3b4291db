// Optimal transport with a dustbin, and the matches read off it.
// Sarlin et al.: "SuperGlue: Learning Feature Matching with Graph Neural Networks", CVPR 2020, section 3.2;
// the entropy-regularised problem of Cuturi (2013), solved by Sinkhorn's iterations.
#pragma once

#include "network/features.h"

namespace colmatch {

// The couplings (B, N+1, M+1): scores (B, N, M) bordered by the dustbin score, a scalar tensor.
torch::Tensor AddDustbins(const torch::Tensor& scores, const torch::Tensor& bin_score);

// The published solver, in the log domain. Returns (B, N+1, M+1) log assignments, multiplied by N+M as
// published: rows sum to 1 (dustbin row: M), columns to 1 (dustbin column: N) at convergence. Differentiable.
torch::Tensor LogSinkhorn(const torch::Tensor& scores, const torch::Tensor& bin_score, int num_iterations);

// The same iteration on exp(couplings), stabilised by the row maxima: matrix-vector products instead of
// log-sum-exps, about ten times cheaper. The float32 result agrees where scores span less than about 80.
torch::Tensor ScalingSinkhorn(const torch::Tensor& scores, const torch::Tensor& bin_score,
                              int num_iterations);

// For inference, without gradient: the scaling iteration in stretches, after each of which its factors are
// absorbed into the potentials, stopped when it has converged; a stretch that float32 cannot hold is done in
// the log domain. Same shapes and result as LogSinkhorn within rounding, whatever the scores span.
torch::Tensor SolveTransport(const torch::Tensor& scores, const torch::Tensor& bin_score, int num_iterations);

// MatchesFromLogAssignment of SolveTransport of one pair's scores (1, N, M), but on the CPU, where its
// factors stay in range, without the assignment in memory: one pass over the scores, one an iteration, one
// over the result.
FeatureMatches MatchByTransport(const torch::Tensor& scores, const torch::Tensor& bin_score,
                                int num_iterations, double match_threshold);

// Mutual maxima of the assignment without its dustbins whose probability exceeds match_threshold.
// log_assignment (N+1, M+1) of one pair; N and M may be 0.
FeatureMatches MatchesFromLogAssignment(const torch::Tensor& log_assignment, double match_threshold);

}  // namespace colmatch
