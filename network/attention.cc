// Softmax attention; see attention.h.
#include "network/attention.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "network/kernels/attention_kernel.h"

namespace colmatch {
namespace {

torch::Tensor FusedAttention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                             float scale) {
  const auto q = query.contiguous(), k = key.contiguous(), v = value.contiguous();
  auto message = torch::empty_like(q);
  const int64_t heads = q.size(0) * q.size(1), n = q.size(2), m = k.size(2), d = q.size(3);
  // A head's queries are shared out only where there are fewer heads than threads: each share packs the keys
  // anew.
  const int64_t tasks_per_head = (2 * at::get_num_threads() + heads - 1) / heads;
  const int64_t queries = (n + tasks_per_head - 1) / tasks_per_head;
  at::parallel_for(0, heads * tasks_per_head, /*grain_size=*/1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task) {
      const int64_t head = task / tasks_per_head, begin = task % tasks_per_head * queries;
      if (begin >= n) continue;
      const int64_t at_query = (head * n + begin) * d, at_key = head * m * d;
      AttendHead(q.data_ptr<float>() + at_query, std::min(queries, n - begin), k.data_ptr<float>() + at_key,
                 v.data_ptr<float>() + at_key, m, d, scale, message.data_ptr<float>() + at_query);
    }
  });
  return message;
}

}  // namespace

torch::Tensor Attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                        const torch::Tensor& mask) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(3)));
  const bool fusable =
      query.is_cpu() && query.scalar_type() == torch::kFloat && key.size(2) > 0 && !mask.defined();
  if (fusable && !torch::GradMode::is_enabled())
    return FusedAttention(query, key, value, static_cast<float>(scale));
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1)
  // Never writes the (N, M) weights to memory (Dao 2022), forward or backward.
  if (query.is_cuda() && key.size(2) > 0)
    return at::scaled_dot_product_attention(
        query, key, value, mask.defined() ? c10::optional<torch::Tensor>(mask) : c10::nullopt);
#endif
  auto scores = torch::matmul(query * scale, key.transpose(2, 3));
  if (mask.defined()) scores = scores.masked_fill(~mask, -std::numeric_limits<double>::infinity());
  return torch::matmul(torch::softmax(scores, 3), value);
}

}  // namespace colmatch
