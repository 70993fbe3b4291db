// Softmax attention; Sarlin 2020, equations 3 and 4.
#pragma once

#include <torch/types.h>

namespace colmatch {

// softmax(query . key / sqrt(d)) . value, per batch entry and head: query (B, H, N, d), key and value (B, H,
// M, d); returns (B, H, N, d). mask (B, 1, 1, M) bool: the keys that take part, at least one; undefined: all.
// Differentiable where gradients are enabled. Without them, on the CPU in float32 without a mask, fused
// (attention_kernel.h).
torch::Tensor Attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                        const torch::Tensor& mask = {});

}  // namespace colmatch
