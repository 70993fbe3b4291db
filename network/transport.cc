// Optimal transport for matching; see transport.h.
#include "network/transport.h"

#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "network/scaling_kernel.h"
#include "network/sinkhorn.h"
#include "network/transport_kernel.h"
#include "network/transport_solver.h"

namespace colmatch {
namespace {

constexpr int64_t kLine = 16;    // floats
constexpr int64_t kAligned = 8;  // rows and columns of a batch are a multiple: matrix products want it

bool InRange(const torch::Tensor& factors) {
  const auto logarithms = factors.log();
  return logarithms.abs().max().item<double>() < kMaxLogFactor;
}

// From the best entries of each side, see BestEntries.
FeatureMatches MutualMatches(const torch::Tensor& row_largest, const torch::Tensor& row_best,
                             const torch::Tensor& column_best, double match_threshold) {
  const int64_t n = row_best.size(0), m = column_best.size(0);
  FeatureMatches result = NoMatches(n, m);
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

// (B, 1)
torch::Tensor Column(const std::vector<int64_t>& counts, const torch::TensorOptions& options) {
  return torch::tensor(counts, torch::kLong).to(options).unsqueeze(1);
}

// (B, size) of zeros and ones: places between a pair's last keypoint and the dustbin, the last place.
torch::Tensor Absent(const torch::Tensor& counts, int64_t size) {
  const auto places = torch::arange(size, counts.options());
  return ((places >= counts) & (places < size - 1)).to(counts.scalar_type());
}

// (B, size): of keypoints -log(own + other), of the dustbin log(other / (own + other)), of padding 0.
torch::Tensor LogMarginal(const torch::Tensor& own, const torch::Tensor& other, const torch::Tensor& absent) {
  auto marginal = -(own + other).log() * (1 - absent);
  marginal.narrow(1, marginal.size(1) - 1, 1).add_(other.log());
  return marginal;
}

TransportProblem PaddedProblem(const PaddedScores& pairs, const torch::Tensor& bin_score) {
  const auto size = [](int64_t keypoints) { return (keypoints + kAligned) / kAligned * kAligned; };
  const int64_t n = size(pairs.scores.size(1)), m = size(pairs.scores.size(2));
  const auto counts0 = Column(pairs.counts0, pairs.scores.options()),
             counts1 = Column(pairs.counts1, pairs.scores.options());
  TransportProblem p;
  p.absent0 = Absent(counts0, n);
  p.absent1 = Absent(counts1, m);
  p.log_mu = LogMarginal(counts0, counts1, p.absent0);
  p.log_nu = LogMarginal(counts1, counts0, p.absent1);
  p.norm = -(counts0 + counts1).log();
  p.couplings = torch::empty({pairs.scores.size(0), n, m}, pairs.scores.options());
  p.couplings.narrow(1, 0, pairs.scores.size(1)).narrow(2, 0, pairs.scores.size(2)).copy_(pairs.scores);
  p.couplings.select(1, n - 1).copy_(bin_score);
  p.couplings.select(2, m - 1).copy_(bin_score);
  p.couplings.masked_fill_((p.absent0.unsqueeze(2) + p.absent1.unsqueeze(1)) > 0,
                           -std::numeric_limits<double>::infinity());
  return p;
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
  ScalingIterations(kernel.data_ptr<float>(), stride, n + 1, m + 1, mu.data_ptr<float>(),
                    nu.data_ptr<float>(), a.data_ptr<float>(), b.data_ptr<float>(), num_iterations,
                    kTransportConverged);
  if (!InRange(a) || !InRange(b)) return solve();
  auto row_largest = torch::empty({n}), row_best = torch::zeros({n}, torch::kInt),
       column_best = torch::zeros({m}, torch::kInt);
  BestEntries(kernel.data_ptr<float>(), stride, n, m, a.data_ptr<float>(), b.data_ptr<float>(),
              row_largest.data_ptr<float>(), row_best.data_ptr<int32_t>(), column_best.data_ptr<int32_t>());
  row_largest.mul_(std::exp(-norm));
  return MutualMatches(row_largest, row_best, column_best, match_threshold);
}

std::vector<FeatureMatches> MatchBatchByTransport(const PaddedScores& pairs, const torch::Tensor& bin_score,
                                                  int num_iterations, double match_threshold) {
  torch::NoGradGuard no_grad;
  const TransportProblem problem = PaddedProblem(pairs, bin_score);
  const auto assignment = SolveTransportProblem(problem, num_iterations)
                              .narrow(1, 0, pairs.scores.size(1))
                              .narrow(2, 0, pairs.scores.size(2));
  // Best entries of rows and columns: all that is left of the assignment.
  const auto [largest, best0] = assignment.max(2);
  const auto row_largest = largest.exp().to(torch::kCPU, torch::kFloat),
             row_best = best0.to(torch::kCPU, torch::kInt),
             column_best = assignment.argmax(1).to(torch::kCPU, torch::kInt);
  std::vector<FeatureMatches> matches;
  for (int64_t i = 0; i < assignment.size(0); ++i) {
    const int64_t n = pairs.counts0[static_cast<size_t>(i)], m = pairs.counts1[static_cast<size_t>(i)];
    matches.push_back(MutualMatches(row_largest[i].narrow(0, 0, n), row_best[i].narrow(0, 0, n),
                                    column_best[i].narrow(0, 0, m), match_threshold));
  }
  return matches;
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
