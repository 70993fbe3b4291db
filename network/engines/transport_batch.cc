// Optimal transport of many pairs; see transport.h.
#include <torch/torch.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "network/engines/gpu_queue.h"
#include "network/engines/transport.h"
#include "network/engines/transport_solver.h"
#include "network/kernels/transport_gpu.h"

namespace colmatch {
namespace {

constexpr int64_t kAligned = 8;  // rows and columns of a batch are a multiple: matrix products want it

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

PaddedMatches SolveBatch(const PaddedScores& pairs, const torch::Tensor& bin_score, int num_iterations,
                         double match_threshold) {
  const auto assignment = SolveTransportProblem(PaddedProblem(pairs, bin_score), num_iterations);
  return MutualMaxima(assignment.narrow(1, 0, pairs.scores.size(1)).narrow(2, 0, pairs.scores.size(2)),
                      match_threshold);
}

#if defined(COLMATCH_CUDA)
// Whether the factors stayed in float32's range: else the matches are not to be used.
bool TransportOnGpu(const PaddedScores& pairs, const torch::Tensor& bin_score, int num_iterations,
                    double match_threshold, PaddedMatches& matches) {
  const auto scores = pairs.scores.contiguous();
  const auto ints = torch::TensorOptions(torch::kInt).device(scores.device());
  // Not waited for: a copy that blocks would wait for all that is queued before it.
  const auto counts = torch::stack({torch::tensor(pairs.counts0), torch::tensor(pairs.counts1)})
                          .to(ints, /*non_blocking=*/true);
  const auto bin = bin_score.to(scores.options());
  const int64_t b = scores.size(0), n = scores.size(1), m = scores.size(2);
  GpuTransport t;
  t.scores = scores.data_ptr<float>();
  t.counts0 = counts.data_ptr<int32_t>();
  t.counts1 = t.counts0 + b;
  t.bin_score = bin.data_ptr<float>();
  t.pairs = b;
  t.rows = n;
  t.columns = m;
  t.iterations = num_iterations;
  t.match_threshold = static_cast<float>(match_threshold);
  const auto scratch = torch::empty({ScratchFloats(t)}, scores.options());
  const auto scratch_ints = torch::zeros({ScratchInts(t)}, ints), left_range = torch::zeros({b}, ints);
  const auto longs = ints.dtype(torch::kLong);
  matches = {torch::empty({b, n}, longs), torch::empty({b, m}, longs), torch::empty({b, n}, scores.options()),
             torch::empty({b, m}, scores.options())};
  t.floats = scratch.data_ptr<float>();
  t.ints = scratch_ints.data_ptr<int32_t>();
  t.matches0 = matches.matches0.data_ptr<int64_t>();
  t.matches1 = matches.matches1.data_ptr<int64_t>();
  t.scores0 = matches.matching_scores0.data_ptr<float>();
  t.scores1 = matches.matching_scores1.data_ptr<float>();
  t.left_range = left_range.data_ptr<int32_t>();
  QueueOnGpu(scores.device(), [&](void* stream) { return MatchByTransportOnGpu(t, stream); });
  return left_range.max().item<int32_t>() == 0;
}
#endif

}  // namespace

PaddedMatches MatchBatchByTransport(const PaddedScores& pairs, const torch::Tensor& bin_score,
                                    int num_iterations, double match_threshold) {
  torch::NoGradGuard no_grad;
#if defined(COLMATCH_CUDA)
  PaddedMatches matches;
  if (pairs.scores.is_cuda() && pairs.scores.scalar_type() == torch::kFloat &&
      pairs.scores.size(2) <= kMostGpuTransportColumns &&
      TransportOnGpu(pairs, bin_score, num_iterations, match_threshold, matches))
    return matches;
#endif
  return SolveBatch(pairs, bin_score, num_iterations, match_threshold);
}

std::vector<FeatureMatches> EachPair(const PaddedMatches& matches, const std::vector<int64_t>& counts0,
                                     const std::vector<int64_t>& counts1) {
  const auto matches0 = matches.matches0.cpu(), matches1 = matches.matches1.cpu(),
             scores0 = matches.matching_scores0.to(torch::kCPU, torch::kFloat),
             scores1 = matches.matching_scores1.to(torch::kCPU, torch::kFloat);
  std::vector<FeatureMatches> pairs;
  for (size_t i = 0; i < counts0.size(); ++i) {
    const auto of_pair = [&](const torch::Tensor& all, int64_t count) {
      return all[static_cast<int64_t>(i)].narrow(0, 0, count);
    };
    pairs.push_back({of_pair(matches0, counts0[i]), of_pair(matches1, counts1[i]),
                     of_pair(scores0, counts0[i]), of_pair(scores1, counts1[i])});
  }
  return pairs;
}

PaddedMatches Padded(const std::vector<FeatureMatches>& matches) {
  int64_t n = 0, m = 0;
  for (const FeatureMatches& pair : matches) {
    n = std::max(n, pair.matches0.size(0));
    m = std::max(m, pair.matches1.size(0));
  }
  std::vector<torch::Tensor> matches0, matches1, scores0, scores1;
  for (const FeatureMatches& pair : matches) {
    const int64_t rows = n - pair.matches0.size(0), columns = m - pair.matches1.size(0);
    matches0.push_back(torch::constant_pad_nd(pair.matches0, {0, rows}, kUnmatched));
    matches1.push_back(torch::constant_pad_nd(pair.matches1, {0, columns}, kUnmatched));
    scores0.push_back(torch::constant_pad_nd(pair.matching_scores0, {0, rows}));
    scores1.push_back(torch::constant_pad_nd(pair.matching_scores1, {0, columns}));
  }
  return {torch::stack(matches0), torch::stack(matches1), torch::stack(scores0), torch::stack(scores1)};
}

PaddedMatches MutualMaxima(const torch::Tensor& log_assignment, double match_threshold) {
  const int64_t n = log_assignment.size(1), m = log_assignment.size(2);
  const auto [max0, indices0] = log_assignment.max(2);
  const auto indices1 = log_assignment.argmax(1);
  const auto places = indices0.options();
  const auto mutual0 = indices1.gather(1, indices0) == torch::arange(n, places).unsqueeze(0);
  const auto mutual1 = indices0.gather(1, indices1) == torch::arange(m, places).unsqueeze(0);
  const auto zero = torch::zeros({}, log_assignment.options());
  const auto unmatched = torch::full({}, kUnmatched, places);
  PaddedMatches matches;
  matches.matching_scores0 = torch::where(mutual0, max0.exp(), zero);
  matches.matching_scores1 = torch::where(mutual1, matches.matching_scores0.gather(1, indices1), zero);
  const auto valid0 = mutual0 & (matches.matching_scores0 > match_threshold);
  const auto valid1 = mutual1 & valid0.gather(1, indices1);
  matches.matches0 = torch::where(valid0, indices0, unmatched);
  matches.matches1 = torch::where(valid1, indices1, unmatched);
  return matches;
}

}  // namespace colmatch
