// Iterations of optimal transport; see transport_solver.h.
#include "network/engines/transport_solver.h"

#include <torch/torch.h>

#include <algorithm>
#include <vector>

#include "network/kernels/transport_iterations.h"

namespace colmatch {
namespace {

constexpr int kLongestStretch = 16;  // iterations between two looks at convergence on a GPU

torch::Tensor LogSumExp(const torch::Tensor& x, int64_t dim, const torch::Tensor& absent) {
  const auto sum = torch::logsumexp(x, dim);
  return absent.defined() ? torch::logaddexp(sum, absent.log()) : sum;
}

// One iteration in the log domain on potentials u (B, N+1) and v (B, M+1).
void LogIteration(const TransportProblem& p, torch::Tensor& u, torch::Tensor& v) {
  u = p.log_mu - LogSumExp(p.couplings + v.unsqueeze(1), 2, p.absent0);
  v = p.log_nu - LogSumExp(p.couplings + u.unsqueeze(2), 1, p.absent1);
}

// exp(couplings + u + v)
torch::Tensor KernelOf(const TransportProblem& p, const torch::Tensor& u, const torch::Tensor& v) {
  return (p.couplings + u.unsqueeze(2)).add_(v.unsqueeze(1)).exp_();
}

// How a stretch of iterations in the scaling form, on KernelOf, ended. Its factors are then absorbed into u
// and v (Schmitzer 2019, "Stabilized sparse scaling algorithms"), unless one came so far from 1 that entries
// which had underflowed might count: u and v stay as they were.
enum class Stretch { kGoesOn, kConverged, kLeftRange };

// One pair without padding, float32 on the CPU. Stops within the stretch where it has converged.
Stretch IterateOnCpu(const TransportProblem& p, int num_iterations, torch::Tensor& u, torch::Tensor& v) {
  const auto kernel = KernelOf(p, u, v), mu = p.log_mu.exp(), nu = p.log_nu.exp();
  auto a = torch::empty_like(u), b = torch::empty_like(v);
  const int done = TransportIterations(
      kernel.data_ptr<float>(), kernel.size(2), kernel.size(1), kernel.size(2), mu.data_ptr<float>(),
      nu.data_ptr<float>(), a.data_ptr<float>(), b.data_ptr<float>(), num_iterations, kTransportConverged);
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
Stretch IterateAnywhere(const TransportProblem& p, int num_iterations, torch::Tensor& u, torch::Tensor& v) {
  const auto kernel = KernelOf(p, u, v), kernel_t = kernel.transpose(1, 2);
  const auto mu = p.log_mu.exp().unsqueeze(2), nu = p.log_nu.exp().unsqueeze(2);
  const auto absent0 = p.absent0.defined() ? p.absent0.unsqueeze(2) : p.absent0;
  const auto absent1 = p.absent1.defined() ? p.absent1.unsqueeze(2) : p.absent1;
  const auto sums = [](const torch::Tensor& k, const torch::Tensor& x, const torch::Tensor& absent) {
    return absent.defined() ? torch::baddbmm(absent, k, x) : torch::bmm(k, x);
  };
  auto a = torch::ones_like(u).unsqueeze(2), b = torch::ones_like(v).unsqueeze(2), b_before = b;
  for (int i = 0; i < num_iterations; ++i) {
    b_before = b;
    a = mu / sums(kernel, b, absent0);
    b = nu / sums(kernel_t, a, absent1);
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
  return num_iterations > 1 && far[1].item<double>() < kTransportConverged ? Stretch::kConverged
                                                                           : Stretch::kGoesOn;
}

// The problem of pairs first .. first + count - 1.
TransportProblem Some(const TransportProblem& p, int64_t first, int64_t count) {
  const auto some = [&](const torch::Tensor& x) {
    return !x.defined() || x.size(0) == 1 ? x : x.narrow(0, first, count);
  };
  return {p.couplings.narrow(0, first, count),
          some(p.log_mu),
          some(p.log_nu),
          some(p.norm),
          some(p.absent0),
          some(p.absent1)};
}

torch::Tensor SolveTogether(const TransportProblem& p, int num_iterations, bool with_kernels) {
  auto u = -p.couplings.amax(2), v = torch::zeros({u.size(0), p.couplings.size(2)}, u.options());
  if (p.absent0.defined()) u.masked_fill_(p.absent0 > 0, 0);
  // The potentials move most at first: short stretches between absorptions, then longer ones.
  for (int left = num_iterations, stretch = 1; left > 0;) {
    stretch = std::min(stretch, left);
    const Stretch end = (with_kernels ? IterateOnCpu : IterateAnywhere)(p, stretch, u, v);
    if (end == Stretch::kLeftRange) {  // one as it can be held, then short stretches again
      LogIteration(p, u, v);
      left -= 1;
      stretch = 1;
      continue;
    }
    if (end == Stretch::kConverged) break;
    left -= stretch;
    stretch = std::min(4 * stretch, with_kernels ? num_iterations : kLongestStretch);
  }
  return (p.couplings + (u - p.norm).unsqueeze(2)).add_(v.unsqueeze(1));
}

}  // namespace

torch::Tensor SolveTransportProblem(const TransportProblem& p, int num_iterations) {
  const bool kernels =
      p.couplings.is_cpu() && p.couplings.scalar_type() == torch::kFloat && !p.absent0.defined();
  const int64_t together = kernels ? 1 : p.couplings.size(0);
  std::vector<torch::Tensor> assignments;
  for (int64_t i = 0; i < p.couplings.size(0); i += together)
    assignments.push_back(SolveTogether(Some(p, i, together), num_iterations, kernels));
  return torch::cat(assignments);
}

}  // namespace colmatch
