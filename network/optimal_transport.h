// Optimal transport with a dustbin, as training differentiates it; transport.h solves it for matching.
// Sarlin et al.: "SuperGlue: Learning Feature Matching with Graph Neural Networks", CVPR 2020, section 3.2;
// the entropy-regularised problem of Cuturi (2013), solved by Sinkhorn's iterations.
#pragma once

#include <torch/types.h>

#include <tuple>

namespace colmatch {

// The couplings (B, N+1, M+1): scores (B, N, M) bordered by the dustbin score, a scalar tensor.
torch::Tensor AddDustbins(const torch::Tensor& scores, const torch::Tensor& bin_score);

// log mu (N+1), log nu (M+1) and -log(N + M) for scores (B, N, M): one unit for each keypoint, the other
// side's count for the dustbin (equation 8), over N + M. Every solver begins with it: it refuses
// scores of another shape, and N or M of 0 (c10::Error).
std::tuple<torch::Tensor, torch::Tensor, double> LogMarginals(const torch::Tensor& scores);

// The published solver, in the log domain. Returns (B, N+1, M+1) log assignments, multiplied by N+M as
// published: rows sum to 1 (dustbin row: M), columns to 1 (dustbin column: N) at convergence. Differentiable.
torch::Tensor LogTransport(const torch::Tensor& scores, const torch::Tensor& bin_score, int num_iterations);

// The same iteration on exp(couplings), stabilised by the row maxima: matrix-vector products instead of
// log-sum-exps, about ten times cheaper. The float32 result agrees where scores span less than about 80.
torch::Tensor ScalingTransport(const torch::Tensor& scores, const torch::Tensor& bin_score,
                               int num_iterations);

}  // namespace colmatch
