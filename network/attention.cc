// Softmax attention; see attention.h.
#include "network/attention.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "network/softmax_kernel.h"

namespace colmatch {
namespace {

constexpr int64_t kBlockWeights = 128 * 1024;  // floats of a block: they stay in the second-level cache

// One head: query (N, d) already scaled, key (M, d), value (M, d), message (N, d).
void AttendInBlocks(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                    torch::Tensor message) {
  const int64_t n = query.size(0), m = key.size(0);
  const int64_t block = std::clamp<int64_t>(kBlockWeights / m, 16, std::max<int64_t>(n, 16));
  const auto key_transposed = key.t();
  auto buffer = torch::empty({std::min(block, n), m}, query.options());
  auto sums = torch::empty({std::min(block, n), 1}, query.options());
  for (int64_t begin = 0; begin < n; begin += block) {
    const int64_t rows = std::min(block, n - begin);
    auto weights = buffer.narrow(0, 0, rows);
    torch::mm_out(weights, query.narrow(0, begin, rows), key_transposed);
    float* const w = weights.data_ptr<float>();
    float* const s = sums.data_ptr<float>();
    at::parallel_for(0, rows, /*grain_size=*/16, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) s[i] = ExponentiateRow(w + i * m, m);
    });
    auto out = message.narrow(0, begin, rows);
    torch::mm_out(out, weights, value);
    out.div_(sums.narrow(0, 0, rows));
  }
}

}  // namespace

torch::Tensor Attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value) {
  const auto scaled = query * (1.0 / std::sqrt(static_cast<double>(query.size(3))));
  const bool in_blocks = query.is_cpu() && query.scalar_type() == torch::kFloat && key.size(2) > 0;
  if (torch::GradMode::is_enabled() || !in_blocks) {
    return torch::matmul(torch::softmax(torch::matmul(scaled, key.transpose(2, 3)), 3), value);
  }
  const auto q = scaled.contiguous(), k = key.contiguous(), v = value.contiguous();
  auto message = torch::empty(query.sizes(), query.options());
  for (int64_t b = 0; b < query.size(0); ++b) {
    for (int64_t h = 0; h < query.size(1); ++h) AttendInBlocks(q[b][h], k[b][h], v[b][h], message[b][h]);
  }
  return message;
}

}  // namespace colmatch
