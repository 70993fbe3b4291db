// Optimal transport; see sinkhorn.h.
#include "network/sinkhorn.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "network/scaling_kernel.h"
#include "network/transport_kernel.h"

namespace colmatch {
namespace {

// log mu (N+1) and log nu (M+1): one unit for each keypoint, the other side's count for the dustbin (eq. 8).
std::tuple<torch::Tensor, torch::Tensor, double> LogMarginals(const torch::Tensor& scores) {
  const int64_t n = scores.size(1), m = scores.size(2);
  const double norm = -std::log(static_cast<double>(n + m));
  auto log_mu = torch::full({n + 1}, norm, scores.options().requires_grad(false));
  auto log_nu = torch::full({m + 1}, norm, scores.options().requires_grad(false));
  log_mu[n] = norm + std::log(static_cast<double>(m));
  log_nu[m] = norm + std::log(static_cast<double>(n));
  return {log_mu, log_nu, norm};
}

// Sinkhorn's iterations in the log domain on potentials u (B, N+1) and v (B, M+1).
void LogIterations(const torch::Tensor& couplings, const torch::Tensor& log_mu, const torch::Tensor& log_nu,
                   int num_iterations, torch::Tensor& u, torch::Tensor& v) {
  for (int i = 0; i < num_iterations; ++i) {
    u = log_mu - torch::logsumexp(couplings + v.unsqueeze(1), 2);
    v = log_nu - torch::logsumexp(couplings + u.unsqueeze(2), 1);
  }
}

constexpr double kMaxLogFactor = 20;  // exp(2 * 20 - 87) is nothing beside the marginals
constexpr int64_t kLine = 16;         // floats
constexpr int kLongestStretch = 16;   // iterations between two looks at convergence on a GPU
constexpr float kConverged = 1e-5f;   // relative; the matches no longer change

// How a stretch of iterations in the scaling form, on exp(couplings + u + v), ended. Its factors are then
// absorbed into u and v (Schmitzer 2019, "Stabilized sparse scaling algorithms"), unless one came so far from
// 1 that entries which had underflowed might count: u and v stay as they were.
enum class Stretch { kGoesOn, kConverged, kLeftRange };

// One pair, float32 on the CPU. Stops within the stretch where it has converged.
Stretch IterateOnCpu(const torch::Tensor& couplings, const torch::Tensor& mu, const torch::Tensor& nu,
                     int num_iterations, torch::Tensor& u, torch::Tensor& v) {
  const auto kernel = (couplings + u.unsqueeze(2)).add_(v.unsqueeze(1)).exp_();
  auto a = torch::empty_like(u), b = torch::empty_like(v);
  const int done = ScalingIterations(kernel.data_ptr<float>(), kernel.size(2), kernel.size(1), kernel.size(2),
                                     mu.data_ptr<float>(), nu.data_ptr<float>(), a.data_ptr<float>(),
                                     b.data_ptr<float>(), num_iterations, kConverged);
  a.log_();
  b.log_();
  if (!(std::max(a.abs().max().item<double>(), b.abs().max().item<double>()) < kMaxLogFactor))
    return Stretch::kLeftRange;
  u = u + a;
  v = v + b;
  return done < num_iterations ? Stretch::kConverged : Stretch::kGoesOn;
}

// Any number of pairs with LibTorch's operations, for GPUs (and for doubles): an iteration is four small
// kernels, and the device is asked once how it ended.
Stretch IterateAnywhere(const torch::Tensor& couplings, const torch::Tensor& mu, const torch::Tensor& nu,
                        int num_iterations, torch::Tensor& u, torch::Tensor& v) {
  const auto kernel = (couplings + u.unsqueeze(2)).add_(v.unsqueeze(1)).exp_();
  const auto kernel_t = kernel.transpose(1, 2);
  const auto mu_column = mu.unsqueeze(1), nu_column = nu.unsqueeze(1);
  auto a = torch::ones_like(u).unsqueeze(2), b = torch::ones_like(v).unsqueeze(2), b_before = b;
  for (int i = 0; i < num_iterations; ++i) {
    b_before = b;
    a = mu_column / torch::bmm(kernel, b);
    b = nu_column / torch::bmm(kernel_t, a);
  }
  const auto log_a = a.squeeze(2).log(), log_b = b.squeeze(2).log();
  // How far the factors went, and how far b still moves.
  const auto far =
      torch::stack({torch::maximum(log_a.abs().max(), log_b.abs().max()), ((b - b_before) / b).abs().max()})
          .cpu();
  if (!(far[0].item<double>() < kMaxLogFactor)) return Stretch::kLeftRange;
  u = u + log_a;
  v = v + log_b;
  // After a single iteration b is compared with where it started, not with an iteration before.
  return num_iterations > 1 && far[1].item<double>() < kConverged ? Stretch::kConverged : Stretch::kGoesOn;
}

bool InRange(const torch::Tensor& factors) {
  const auto logarithms = factors.log();
  return logarithms.abs().max().item<double>() < kMaxLogFactor;
}

// From the best entries of each side, see BestEntries.
FeatureMatches MutualMatches(const torch::Tensor& row_largest, const torch::Tensor& row_best,
                             const torch::Tensor& column_best, double match_threshold) {
  const int64_t n = row_best.size(0), m = column_best.size(0);
  FeatureMatches result;
  result.matches0 = torch::full({n}, kUnmatched, torch::kLong);
  result.matches1 = torch::full({m}, kUnmatched, torch::kLong);
  result.matching_scores0 = torch::zeros({n});
  result.matching_scores1 = torch::zeros({m});
  for (int64_t i = 0; i < n; ++i) {
    const int64_t j = row_best.data_ptr<int32_t>()[i];
    if (column_best.data_ptr<int32_t>()[j] != i) continue;
    const float score = row_largest.data_ptr<float>()[i];
    result.matching_scores0.data_ptr<float>()[i] = result.matching_scores1.data_ptr<float>()[j] = score;
    if (!(score > match_threshold)) continue;
    result.matches0.data_ptr<int64_t>()[i] = j;
    result.matches1.data_ptr<int64_t>()[j] = i;
  }
  return result;
}

void CheckScores(const torch::Tensor& scores) {
  TORCH_CHECK(scores.dim() == 3 && scores.size(1) > 0 && scores.size(2) > 0,
              "Sinkhorn: scores must be (B, N, M) with N and M at least 1, got ", scores.sizes());
}

}  // namespace

torch::Tensor AddDustbins(const torch::Tensor& scores, const torch::Tensor& bin_score) {
  const int64_t b = scores.size(0), n = scores.size(1), m = scores.size(2);
  const auto column = bin_score.expand({b, n, 1});
  const auto row = bin_score.expand({b, 1, m + 1});
  return torch::cat({torch::cat({scores, column}, 2), row}, 1);
}

torch::Tensor LogSinkhorn(const torch::Tensor& scores, const torch::Tensor& bin_score, int num_iterations) {
  CheckScores(scores);
  const auto couplings = AddDustbins(scores, bin_score);
  const auto [log_mu, log_nu, norm] = LogMarginals(scores);
  auto u = torch::zeros({scores.size(0), log_mu.size(0)}, scores.options());
  auto v = torch::zeros({scores.size(0), log_nu.size(0)}, scores.options());
  LogIterations(couplings, log_mu, log_nu, num_iterations, u, v);
  return couplings + u.unsqueeze(2) + v.unsqueeze(1) - norm;
}

torch::Tensor ScalingSinkhorn(const torch::Tensor& scores, const torch::Tensor& bin_score,
                              int num_iterations) {
  CheckScores(scores);
  const auto couplings = AddDustbins(scores, bin_score);
  const auto [log_mu, log_nu, norm] = LogMarginals(scores);
  constexpr double kTiny = 1e-30;  // keeps a column that no row reaches finite
  const auto row_max = std::get<0>(couplings.detach().max(2, /*keepdim=*/true));
  const auto kernel = torch::exp(couplings - row_max);
  const auto mu = torch::exp(log_mu).expand({scores.size(0), -1}).unsqueeze(2);
  const auto nu = torch::exp(log_nu).expand({scores.size(0), -1}).unsqueeze(2);
  const auto kernel_t = kernel.transpose(1, 2);
  auto b = torch::ones_like(nu);
  auto a = torch::ones_like(mu);
  for (int i = 0; i < num_iterations; ++i) {
    a = mu / (torch::bmm(kernel, b) + kTiny);
    b = nu / (torch::bmm(kernel_t, a) + kTiny);
  }
  return couplings - row_max + torch::log(a) + torch::log(b + kTiny).transpose(1, 2) - norm;
}

torch::Tensor SolveTransport(const torch::Tensor& scores, const torch::Tensor& bin_score,
                             int num_iterations) {
  CheckScores(scores);
  const auto [log_mu, log_nu, norm] = LogMarginals(scores);
  const auto mu = torch::exp(log_mu), nu = torch::exp(log_nu);
  const bool kernels = scores.is_cpu() && scores.scalar_type() == torch::kFloat;
  const auto iterate = kernels ? IterateOnCpu : IterateAnywhere;
  const int longest = kernels ? num_iterations : kLongestStretch;
  const int64_t together = kernels ? 1 : scores.size(0);  // pairs
  std::vector<torch::Tensor> assignments;
  for (int64_t i = 0; i < scores.size(0); i += together) {
    const auto couplings = AddDustbins(scores.narrow(0, i, together), bin_score).contiguous();
    auto u = -couplings.amax(2), v = torch::zeros({together, couplings.size(2)}, couplings.options());
    // The potentials move most at first: short stretches between absorptions, then longer ones.
    for (int left = num_iterations, stretch = 1; left > 0;) {
      stretch = std::min(stretch, left);
      const Stretch end = iterate(couplings, mu, nu, stretch, u, v);
      if (end == Stretch::kLeftRange) {  // one as it can be held, then short stretches again
        LogIterations(couplings, log_mu, log_nu, 1, u, v);
        left -= 1;
        stretch = 1;
        continue;
      }
      if (end == Stretch::kConverged) break;
      left -= stretch;
      stretch = std::min(4 * stretch, longest);
    }
    assignments.push_back((couplings + (u - norm).unsqueeze(2)).add_(v.unsqueeze(1)));
  }
  return torch::cat(assignments);
}

FeatureMatches MatchByTransport(const torch::Tensor& scores, const torch::Tensor& bin_score,
                                int num_iterations, double match_threshold) {
  CheckScores(scores);
  const auto solve = [&] {
    return MatchesFromLogAssignment(SolveTransport(scores, bin_score, num_iterations)[0], match_threshold);
  };
  if (!scores.is_cpu() || scores.scalar_type() != torch::kFloat || scores.size(0) != 1) return solve();
  const int64_t n = scores.size(1), m = scores.size(2);
  const auto [log_mu, log_nu, norm] = LogMarginals(scores);
  const auto mu = torch::exp(log_mu), nu = torch::exp(log_nu), in = scores.contiguous();
  const int64_t stride = (m + 1 + kLine - 1) / kLine * kLine;
  auto kernel = torch::empty({n + 1, stride}), a = torch::empty({n + 1}), b = torch::empty({m + 1});
  CouplingKernel(in.data_ptr<float>(), n, m, bin_score.item<float>(), kernel.data_ptr<float>(), stride);
  ScalingIterations(kernel.data_ptr<float>(), stride, n + 1, m + 1, mu.data_ptr<float>(),
                    nu.data_ptr<float>(), a.data_ptr<float>(), b.data_ptr<float>(), num_iterations,
                    kConverged);
  if (!InRange(a) || !InRange(b)) return solve();
  auto row_largest = torch::empty({n}), row_best = torch::zeros({n}, torch::kInt),
       column_best = torch::zeros({m}, torch::kInt);
  BestEntries(kernel.data_ptr<float>(), stride, n, m, a.data_ptr<float>(), b.data_ptr<float>(),
              row_largest.data_ptr<float>(), row_best.data_ptr<int32_t>(), column_best.data_ptr<int32_t>());
  row_largest.mul_(std::exp(-norm));
  return MutualMatches(row_largest, row_best, column_best, match_threshold);
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
  const auto inner = log_assignment.narrow(0, 0, n).narrow(1, 0, m);
  const auto [max0, indices0] = inner.max(1);
  const auto indices1 = std::get<1>(inner.max(0));
  const auto mutual0 = indices1.index_select(0, indices0) == torch::arange(n, indices);
  const auto mutual1 = indices0.index_select(0, indices1) == torch::arange(m, indices);
  const auto zero = torch::zeros({}, log_assignment.options());
  const auto unmatched = torch::full({}, kUnmatched, indices);
  result.matching_scores0 = torch::where(mutual0, max0.exp(), zero);
  result.matching_scores1 = torch::where(mutual1, result.matching_scores0.index_select(0, indices1), zero);
  const auto valid0 = mutual0 & (result.matching_scores0 > match_threshold);
  const auto valid1 = mutual1 & valid0.index_select(0, indices1);
  result.matches0 = torch::where(valid0, indices0, unmatched);
  result.matches1 = torch::where(valid1, indices1, unmatched);
  return result;
}

}  // namespace colmatch
