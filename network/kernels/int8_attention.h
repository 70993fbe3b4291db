// One head's attention on the CPU, as bf16_attention.h, in 8-bit integers.
//
// Softmax does not change where every key is moved by the same vector, so the keys' mean is taken from them
// first: what they have in common would use up the integers (SageAttention, arXiv:2410.02367). Each key and
// each query then has its own scale; sums are exact. Of the values the mean is taken too, and given back with
// the message: what many small weights lose, of which the integers beside a large one are 0, is then only how
// their values differ from the mean. Each channel of the values has its own scale, weights are multiples of
// the 255th part of the largest.
#pragma once

#include <cstdint>
#include <vector>

#include "network/kernels/bf16.h"
#include "network/kernels/bf16_attention.h"

namespace colmatch {

// Keys (M, d) of one head.
struct Int8Keys {
  std::vector<int8_t> codes;     // (tiles, padded d / 4, Bf16HeadShape::kTile keys, 4)
  std::vector<int32_t> offsets;  // (padded M): -128 times the sum of a key's codes, as queries have 128 more
  std::vector<float> scales;     // (padded M): what 1 is worth
};

// Values (M, d) of one head.
struct Int8Values {
  std::vector<int8_t> codes;  // (padded M / 4, value stride, 4 keys)
  std::vector<float> mean;    // (value stride): of each channel
  std::vector<float> scales;  // (value stride): what 1 is worth
};

// keys and values (M, d), rows `stride` entries apart.
void PackKeys(const Bf16HeadShape& shape, const Bf16* keys, int64_t stride, Int8Keys& packed);
void PackValues(const Bf16HeadShape& shape, const Bf16* values, int64_t stride, Int8Values& packed);

// As AttendBf16; nothing beside the queries is read.
void AttendInt8(Bf16Path path, const Bf16HeadShape& shape, const Bf16* queries, int64_t n,
                int64_t query_stride, const Int8Keys& keys, const Int8Values& values, Bf16* messages,
                int64_t message_stride);

}  // namespace colmatch
