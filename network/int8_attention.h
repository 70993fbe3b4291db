// One head's attention on the CPU, as bf16_attention.h, with queries and keys in 8-bit integers.
//
// Softmax does not change where every key is moved by the same vector, so the keys' mean is taken from them
// first: what they have in common would use up the integers (SageAttention, arXiv:2410.02367). Each key and
// each query then has its own scale; sums are exact. Weights and values meet in bf16.
#pragma once

#include <cstdint>
#include <vector>

#include "network/bf16.h"
#include "network/bf16_attention.h"

namespace colmatch {

// Keys (M, d) of one head.
struct Int8Keys {
  std::vector<int8_t> codes;     // (tiles, padded d / 4, Bf16HeadShape::kTile keys, 4)
  std::vector<int32_t> offsets;  // (padded M): -128 times the sum of a key's codes, as queries have 128 more
  std::vector<float> scales;     // (padded M): what 1 is worth
};

// keys (M, d), rows `stride` entries apart.
void PackKeys(const Bf16HeadShape& shape, const Bf16* keys, int64_t stride, Int8Keys& packed);

// As AttendBf16; nothing beside the queries is read.
void AttendInt8(Bf16Path path, const Bf16HeadShape& shape, const Bf16* queries, int64_t n,
                int64_t query_stride, const Int8Keys& keys, const Bf16* packed_values, Bf16* messages,
                int64_t message_stride);

}  // namespace colmatch
