// One head's attention in bf16 on the CPU, fused: its N x M weights are never in memory. Sums and
// exponentials are in float32; the weights are rounded before they meet the values.
#pragma once

#include <cstdint>
#include <functional>

#include "network/kernels/bf16.h"

namespace colmatch {

// Keys and values of one head as the kernel reads them.
struct Bf16HeadShape {
  int64_t keys = 0;   // M > 0
  int64_t width = 0;  // d: channels of query, key and value
  // Entries of the packed arrays.
  int64_t PackedKeys() const { return RoundUp(keys) * RoundUp2(width); }
  int64_t PackedValues() const { return RoundUp(keys) * ValueStride(); }
  int64_t ValueStride() const { return (width + 15) / 16 * 16; }
  static int64_t RoundUp(int64_t count) { return (count + kTile - 1) / kTile * kTile; }
  static int64_t RoundUp2(int64_t count) { return (count + 1) / 2 * 2; }

  static constexpr int64_t kTile = 64;  // keys
};

// Keys and values (M, d), rows `stride` entries apart, to arrays of the sizes above. Returns the length of
// the longest key.
float PackKeys(const Bf16HeadShape& shape, const Bf16* keys, int64_t stride, Bf16* packed_keys);
void PackValues(const Bf16HeadShape& shape, const Bf16* values, int64_t stride, Bf16* packed_values);

// message = softmax2(query . key^T) . value with softmax2 of powers of 2: queries (n, d) come multiplied by
// log2(e) / sqrt(d). Rows are so many entries apart; where the width is odd the entry after a query is read
// and must be finite. longest_key: as PackKeys returned it.
void AttendBf16(Bf16Path path, const Bf16HeadShape& shape, const Bf16* queries, int64_t n,
                int64_t query_stride, const Bf16* packed_keys, float longest_key, const Bf16* packed_values,
                Bf16* messages, int64_t message_stride);

// products = query . key^T in float32: (n, M), rows so many entries apart.
void ProductsBf16(Bf16Path path, const Bf16HeadShape& shape, const Bf16* queries, int64_t n,
                  int64_t query_stride, const Bf16* packed_keys, float* products, int64_t product_stride);

// The same, handed on a few rows at a time instead of being written: take(first row, rows, products, entries
// between rows), which are overwritten afterwards.
using TakeProducts = std::function<void(int64_t, int64_t, const float*, int64_t)>;
void ProductsBf16(Bf16Path path, const Bf16HeadShape& shape, const Bf16* queries, int64_t n,
                  int64_t query_stride, const Bf16* packed_keys, const TakeProducts& take);

}  // namespace colmatch
