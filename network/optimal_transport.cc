// Optimal transport for training; see optimal_transport.h.
#include "network/optimal_transport.h"

#include <torch/torch.h>

#include <cmath>

namespace colmatch {
torch::Tensor AddDustbins(const torch::Tensor& scores, const torch::Tensor& bin_score) {
  const int64_t b = scores.size(0), n = scores.size(1), m = scores.size(2);
  const auto column = bin_score.expand({b, n, 1});
  const auto row = bin_score.expand({b, 1, m + 1});
  return torch::cat({torch::cat({scores, column}, 2), row}, 1);
}

std::tuple<torch::Tensor, torch::Tensor, double> LogMarginals(const torch::Tensor& scores) {
  TORCH_CHECK(scores.dim() == 3 && scores.size(1) > 0 && scores.size(2) > 0,
              "Sinkhorn: scores must be (B, N, M) with N and M at least 1, got ", scores.sizes());
  const int64_t n = scores.size(1), m = scores.size(2);
  const double norm = -std::log(static_cast<double>(n + m));
  auto log_mu = torch::full({n + 1}, norm, scores.options().requires_grad(false));
  auto log_nu = torch::full({m + 1}, norm, scores.options().requires_grad(false));
  log_mu[n] = norm + std::log(static_cast<double>(m));
  log_nu[m] = norm + std::log(static_cast<double>(n));
  return {log_mu, log_nu, norm};
}

torch::Tensor LogTransport(const torch::Tensor& scores, const torch::Tensor& bin_score, int num_iterations) {
  const auto [log_mu, log_nu, norm] = LogMarginals(scores);
  const auto couplings = AddDustbins(scores, bin_score);
  auto u = torch::zeros({scores.size(0), log_mu.size(0)}, scores.options());
  auto v = torch::zeros({scores.size(0), log_nu.size(0)}, scores.options());
  for (int i = 0; i < num_iterations; ++i) {
    u = log_mu - torch::logsumexp(couplings + v.unsqueeze(1), 2);
    v = log_nu - torch::logsumexp(couplings + u.unsqueeze(2), 1);
  }
  return couplings + u.unsqueeze(2) + v.unsqueeze(1) - norm;
}

torch::Tensor ScalingTransport(const torch::Tensor& scores, const torch::Tensor& bin_score,
                               int num_iterations) {
  const auto [log_mu, log_nu, norm] = LogMarginals(scores);
  const auto couplings = AddDustbins(scores, bin_score);
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

}  // namespace colmatch
