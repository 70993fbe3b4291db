// Fused attention in bf16; see bf16_attention.h.
#include "network/kernels/bf16_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "network/kernels/tile_products.h"

#define COLMATCH_KERNEL "network/kernels/bf16_attention-inl.h"
#define COLMATCH_KERNEL_IN_BF16
#include "network/kernels/foreach_simd.h"

namespace colmatch {

float PackKeys(const Bf16HeadShape& shape, const Bf16* keys, int64_t stride, Bf16* packed_keys) {
  constexpr int64_t kTile = Bf16HeadShape::kTile;
  const int64_t d = shape.width, m = shape.keys, pairs = Bf16HeadShape::RoundUp2(d) / 2;
  // packed_keys[tile][pair of channels][key][2]
  std::fill_n(packed_keys, shape.PackedKeys(), Bf16{0});
  for (int64_t j = 0; j < m; ++j) {
    Bf16* const out = packed_keys + (j / kTile * pairs * kTile + j % kTile) * 2;
    const Bf16* const key = keys + j * stride;
    for (int64_t c = 0; c + 2 <= d; c += 2) std::memcpy(out + c * kTile, key + c, 2 * sizeof(Bf16));
    if (d % 2 == 1) out[(d - 1) * kTile] = key[d - 1];
  }
  return x4::LongestRow(keys, m, d, stride);
}

void PackValues(const Bf16HeadShape& shape, const Bf16* values, int64_t stride, Bf16* packed_values) {
  const int64_t d = shape.width, m = shape.keys, value_stride = shape.ValueStride();
  // packed_values[pair of keys][channel][2]
  std::fill_n(packed_values, shape.PackedValues(), Bf16{0});
  for (int64_t j = 0; j + 2 <= m; j += 2, values += 2 * stride, packed_values += 2 * value_stride) {
    for (int64_t ahead : {16, 17}) {
      if (j + ahead < m) simd::Prefetch(values + ahead * stride, d * static_cast<int64_t>(sizeof(Bf16)));
    }
    for (int64_t c = 0; c < d; ++c) {
      packed_values[2 * c] = values[c];
      packed_values[2 * c + 1] = values[stride + c];
    }
  }
  for (int64_t c = 0; c < d && m % 2 == 1; ++c) packed_values[2 * c] = values[c];
}

namespace {

#if defined(__x86_64__)

TileMatrix KeysOf(const Bf16HeadShape& shape, const Bf16* packed) {
  return {packed, Bf16HeadShape::RoundUp2(shape.width) / 2, Bf16HeadShape::RoundUp(shape.keys),
          Bf16HeadShape::kTile};
}

TileMatrix ValuesOf(const Bf16HeadShape& shape, const Bf16* packed) {
  return {packed, Bf16HeadShape::RoundUp(shape.keys) / 2, shape.ValueStride(), shape.ValueStride()};
}

void ProductsByTiles(const Bf16HeadShape& shape, const Bf16* queries, int64_t n, int64_t query_stride,
                     const Bf16* packed_keys, const TakeProducts& take) {
  const TileMatrix keys = KeysOf(shape, packed_keys);
  thread_local std::vector<float> products;
  simd::GrowTo(products, kTileBlockRows * keys.count);
  for (int64_t begin = 0; begin < n; begin += kTileBlockRows) {
    const int64_t rows = std::min(kTileBlockRows, n - begin);
    amx::MultiplyRows(keys, queries + begin * query_stride, query_stride, rows, products.data(), keys.count,
                      /*add=*/false);
    take(begin, rows, products.data(), keys.count);
  }
}

// Keys at a time: their products with a block of queries, and the weights, stay in the first cache.
constexpr int64_t kKeysOfChunk = 128;

// What a block of queries is computed in.
struct TileScratch {
  float products[kTileBlockRows * kKeysOfChunk];
  Bf16 weights[kTileBlockRows * kKeysOfChunk];
  std::vector<float> sums;
};

// A block of queries with one head's keys and values.
struct TileBlock {
  const Bf16HeadShape& shape;
  const Bf16* queries;
  int64_t query_stride, rows;
  TileMatrix keys, values;
};

// Calls take(keys, padded keys, first key) with each chunk's products in scratch.
template <typename Take>
void ForChunks(const TileBlock& block, TileScratch& scratch, const Take& take) {
  for (int64_t begin = 0; begin < block.keys.count; begin += kKeysOfChunk) {
    TileMatrix keys = block.keys;
    keys.columns += begin * 2 * keys.groups;
    keys.count = std::min(kKeysOfChunk, block.keys.count - begin);
    amx::MultiplyRows(keys, block.queries, block.query_stride, block.rows, scratch.products, kKeysOfChunk,
                      /*add=*/false);
    take(std::min(keys.count, block.shape.keys - begin), keys.count, begin);
  }
}

// scratch.sums = weights . values and totals = sums of the weights, which are 2^(products - shifts).
void WeighedSums(const TileBlock& block, const float* shifts, TileScratch& scratch, float* totals) {
  float partial_totals[kTileBlockRows * xbf16::kLanes] = {};
  ForChunks(block, scratch, [&](int64_t count, int64_t padded, int64_t begin) {
    xbf16::WeighRows(scratch.products, block.rows, count, padded, kKeysOfChunk, shifts, scratch.weights,
                     partial_totals);
    TileMatrix values = block.values;
    values.columns += begin * values.count;
    values.groups = padded / 2;
    amx::MultiplyRows(values, scratch.weights, kKeysOfChunk, block.rows, scratch.sums.data(), values.count,
                      /*add=*/begin > 0);
  });
  xbf16::SumLanes(partial_totals, block.rows, totals);
}

void LargestProducts(const TileBlock& block, TileScratch& scratch, float* largest) {
  std::fill_n(largest, block.rows, std::numeric_limits<float>::lowest());
  ForChunks(block, scratch, [&](int64_t count, int64_t, int64_t) {
    xbf16::RaiseToLargest(scratch.products, block.rows, count, kKeysOfChunk, largest);
  });
}

// Weights are usually relative to a bound of the products instead of to the largest of them, which takes one
// pass over the keys instead of two and gives the same but for underflow.
void AttendByTiles(const Bf16HeadShape& shape, const Bf16* queries, int64_t n, int64_t query_stride,
                   const Bf16* packed_keys, float longest_key, const Bf16* packed_values, Bf16* messages,
                   int64_t message_stride) {
  constexpr float kLeastTotal = 0x1p-64f;  // weights down to 2^-62 of the total are above 2^-126
  thread_local TileScratch scratch;
  TileBlock block{
      shape, queries, query_stride, 0, KeysOf(shape, packed_keys), ValuesOf(shape, packed_values)};
  simd::GrowTo(scratch.sums, kTileBlockRows * block.values.count);
  float shifts[kTileBlockRows], totals[kTileBlockRows];
  for (int64_t begin = 0; begin < n; begin += kTileBlockRows) {
    block.queries = queries + begin * query_stride;
    block.rows = std::min(kTileBlockRows, n - begin);
    xbf16::BoundProducts(block.queries, block.rows, shape.width, query_stride, longest_key, shifts);
    WeighedSums(block, shifts, scratch, totals);
    if (*std::min_element(totals, totals + block.rows) < kLeastTotal) {
      LargestProducts(block, scratch, shifts);
      WeighedSums(block, shifts, scratch, totals);
    }
    xbf16::StoreMessages(scratch.sums.data(), block.values.count, block.rows, shape.width, totals,
                         messages + begin * message_stride, message_stride);
  }
}

#endif

}  // namespace

void AttendBf16(Bf16Path path, const Bf16HeadShape& shape, const Bf16* queries, int64_t n,
                int64_t query_stride, const Bf16* packed_keys, float longest_key, const Bf16* packed_values,
                Bf16* messages, int64_t message_stride) {
#if defined(__x86_64__)
  if (path == Bf16Path::kTiles) {
    AttendByTiles(shape, queries, n, query_stride, packed_keys, longest_key, packed_values, messages,
                  message_stride);
    return;
  }
#endif
  ForBf16Path(path, x4::Attend, x8::Attend, x16::Attend, xbf16::Attend)(
      shape, queries, n, query_stride, packed_keys, packed_values, messages, message_stride);
}

void ProductsBf16(Bf16Path path, const Bf16HeadShape& shape, const Bf16* queries, int64_t n,
                  int64_t query_stride, const Bf16* packed_keys, const TakeProducts& take) {
#if defined(__x86_64__)
  if (path == Bf16Path::kTiles) {
    ProductsByTiles(shape, queries, n, query_stride, packed_keys, take);
    return;
  }
#endif
  ForBf16Path(path, x4::AllProducts, x8::AllProducts, x16::AllProducts, xbf16::AllProducts)(
      shape, queries, n, query_stride, packed_keys, take);
}

void ProductsBf16(Bf16Path path, const Bf16HeadShape& shape, const Bf16* queries, int64_t n,
                  int64_t query_stride, const Bf16* packed_keys, float* products, int64_t product_stride) {
  const auto copy = [&](int64_t first, int64_t rows, const float* some, int64_t stride) {
    for (int64_t r = 0; r < rows; ++r)
      std::copy_n(some + r * stride, shape.keys, products + (first + r) * product_stride);
  };
  ProductsBf16(path, shape, queries, n, query_stride, packed_keys, copy);
}

}  // namespace colmatch
