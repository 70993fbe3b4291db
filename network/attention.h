// Softmax attention; Sarlin 2020, equations 3 and 4.
#pragma once

#include <torch/types.h>

namespace colmatch {

// softmax(query . key / sqrt(d)) . value, per batch entry and head: query (B, H, N, d), key and value (B, H,
// M, d); returns (B, H, N, d). Differentiable where gradients are enabled. Without them, on the CPU, a block
// of queries is done at a time: N x M weights of all heads (64 MB at 2,048 keypoints) would be written to
// memory and read five times.
torch::Tensor Attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value);

}  // namespace colmatch
