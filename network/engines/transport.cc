// Optimal transport for matching; see transport.h.
#include "network/engines/transport.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "network/engines/transport_solver.h"
#include "network/kernels/transport_iterations.h"
#include "network/kernels/transport_kernel.h"
#include "network/optimal_transport.h"

namespace colmatch {
namespace {

constexpr int64_t kLine = 16;  // floats

bool InRange(const torch::Tensor& factors) {
  const auto logarithms = factors.log();
  return logarithms.abs().max().item<double>() < kMaxLogFactor;
}

// From the best entries of n rows and m columns, see BestEntries; -1: none.
FeatureMatches MutualMatches(const float* row_largest, const int32_t* row_best, const int32_t* column_best,
                             int64_t n, int64_t m, double match_threshold) {
  FeatureMatches result = NoMatches(n, m);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t j = row_best[i];
    if (j < 0 || column_best[j] != i) continue;
    const float score = row_largest[i];
    result.matching_scores0.data_ptr<float>()[i] = result.matching_scores1.data_ptr<float>()[j] = score;
    if (!(score > match_threshold)) continue;
    result.matches0.data_ptr<int64_t>()[i] = j;
    result.matches1.data_ptr<int64_t>()[j] = i;
  }
  return result;
}

}  // namespace

torch::Tensor SolveTransport(const torch::Tensor& scores, const torch::Tensor& bin_score,
                             int num_iterations) {
  const auto [log_mu, log_nu, norm] = LogMarginals(scores);
  return SolveTransportProblem({AddDustbins(scores, bin_score).contiguous(),
                                log_mu.unsqueeze(0),
                                log_nu.unsqueeze(0),
                                torch::full({1, 1}, norm, log_mu.options()),
                                {},
                                {}},
                               num_iterations);
}

FeatureMatches MatchByTransport(const torch::Tensor& scores, const torch::Tensor& bin_score,
                                int num_iterations, double match_threshold) {
  const auto solve = [&] {
    return MatchesFromLogAssignment(SolveTransport(scores, bin_score, num_iterations)[0], match_threshold);
  };
  if (!scores.is_cpu() || scores.scalar_type() != torch::kFloat || scores.size(0) != 1) return solve();
  const auto [log_mu, log_nu, norm] = LogMarginals(scores);
  const int64_t n = scores.size(1), m = scores.size(2);
  const auto mu = torch::exp(log_mu), nu = torch::exp(log_nu), in = scores.contiguous();
  const int64_t stride = (m + 1 + kLine - 1) / kLine * kLine;
  auto kernel = torch::empty({n + 1, stride}), a = torch::empty({n + 1}), b = torch::empty({m + 1});
  CouplingKernel(in.data_ptr<float>(), n, m, bin_score.item<float>(), kernel.data_ptr<float>(), stride);
  TransportIterations(kernel.data_ptr<float>(), stride, n + 1, m + 1, mu.data_ptr<float>(),
                      nu.data_ptr<float>(), a.data_ptr<float>(), b.data_ptr<float>(), num_iterations,
                      kTransportConverged);
  if (!InRange(a) || !InRange(b)) return solve();
  auto row_largest = torch::empty({n}), row_best = torch::zeros({n}, torch::kInt),
       column_best = torch::zeros({m}, torch::kInt);
  BestEntries(kernel.data_ptr<float>(), stride, n, m, a.data_ptr<float>(), b.data_ptr<float>(),
              row_largest.data_ptr<float>(), row_best.data_ptr<int32_t>(), column_best.data_ptr<int32_t>());
  row_largest.mul_(std::exp(-norm));
  return MutualMatches(row_largest.data_ptr<float>(), row_best.data_ptr<int32_t>(),
                       column_best.data_ptr<int32_t>(), n, m, match_threshold);
}

bool MatchByCandidates(const Candidates& candidates, int num_iterations, double match_threshold,
                       CandidateSolution& memory, FeatureMatches& matches) {
  constexpr double kMostError = 0.1;
  if (candidates.too_many) return false;
  SolveCandidates(candidates, num_iterations, memory);
  if (!memory.in_range || !(memory.error < std::min(kMostError, match_threshold / 2))) return false;
  matches = MutualMatches(memory.row_largest.data(), memory.row_best.data(), memory.column_best.data(),
                          candidates.rows, candidates.columns, match_threshold);
  return true;
}

FeatureMatches NoMatches(int64_t n, int64_t m) {
  return {torch::full({n}, kUnmatched, torch::kLong), torch::full({m}, kUnmatched, torch::kLong),
          torch::zeros({n}), torch::zeros({m})};
}

FeatureMatches MatchesFromLogAssignment(const torch::Tensor& log_assignment, double match_threshold) {
  TORCH_CHECK(log_assignment.dim() == 2 && log_assignment.size(0) > 0 && log_assignment.size(1) > 0,
              "MatchesFromLogAssignment: expected (N+1, M+1), got ", log_assignment.sizes());
  const int64_t n = log_assignment.size(0) - 1, m = log_assignment.size(1) - 1;
  const auto indices = log_assignment.options().dtype(torch::kLong);
  FeatureMatches result;
  if (n == 0 || m == 0) {
    result.matches0 = torch::full({n}, kUnmatched, indices);
    result.matches1 = torch::full({m}, kUnmatched, indices);
    result.matching_scores0 = torch::zeros({n}, log_assignment.options());
    result.matching_scores1 = torch::zeros({m}, log_assignment.options());
    return result;
  }
  const auto inner = log_assignment.narrow(0, 0, n).narrow(1, 0, m).unsqueeze(0);
  const PaddedMatches matches = MutualMaxima(inner, match_threshold);
  return {matches.matches0[0], matches.matches1[0], matches.matching_scores0[0], matches.matching_scores1[0]};
}

}  // namespace colmatch
