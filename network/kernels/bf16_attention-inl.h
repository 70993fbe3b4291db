// Fused attention in bf16 for vectors of one width; see bf16_attention.h and foreach_simd.h.
#include "network/kernels/attention_steps-inl.h"

// products[r] (stride `padded`) = queries[r] . keys, and the largest of each.
inline void Products(const Bf16* queries, int64_t stride, int64_t pairs, const Bf16* keys, int64_t padded,
                     float* products, float* largest) {
  constexpr int64_t kTile = Bf16HeadShape::kTile;
  Vector maxima[kRows];
  for (int r = 0; r < kRows; ++r) maxima[r] = Vector{} + std::numeric_limits<float>::lowest();
  for (int64_t j = 0; j < padded; j += kVectors * kLanes) {
    Vector sums[kRows][kVectors] = {};
    const Bf16* tile = keys + (j / kTile * pairs * kTile + j % kTile) * 2;
    const Bf16* query = queries;
    for (int64_t c = 0; c < pairs; ++c, tile += 2 * kTile, query += 2) {
      PairVector k[kVectors];
      for (int v = 0; v < kVectors; ++v) k[v] = LoadGroups(tile + 2 * v * kLanes);
      for (int r = 0; r < kRows; ++r) {
        const PairVector q = BroadcastGroup(query + r * stride);
        for (int v = 0; v < kVectors; ++v) sums[r][v] = DotAdd(sums[r][v], q, k[v]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVectors; ++v) {
        Store(products + r * padded + j + v * kLanes, sums[r][v]);
        maxima[r] = sums[r][v] > maxima[r] ? sums[r][v] : maxima[r];
      }
    }
  }
  for (int r = 0; r < kRows; ++r) largest[r] = Largest(maxima[r]);
}

// kRows queries from `begin` on; of the last few copies beside rows of zeros, in `copies`.
inline const Bf16* SomeQueries(const Bf16* queries, int64_t begin, int64_t n, int64_t pairs, int64_t* stride,
                               std::vector<Bf16>& copies) {
  const Bf16* some = queries + begin * *stride;
  const int64_t rows = n - begin;
  if (rows >= kRows) return some;
  copies.assign(static_cast<size_t>(kRows * 2 * pairs), 0);
  for (int64_t r = 0; r < rows; ++r)
    std::copy_n(some + r * *stride, 2 * pairs, copies.data() + r * 2 * pairs);
  *stride = 2 * pairs;
  return copies.data();
}

inline void AllProducts(const Bf16HeadShape& shape, const Bf16* queries, int64_t n, int64_t query_stride,
                        const Bf16* keys, const TakeProducts& take) {
  const int64_t padded = Bf16HeadShape::RoundUp(shape.keys), pairs = Bf16HeadShape::RoundUp2(shape.width) / 2;
  thread_local std::vector<float> products;
  thread_local std::vector<Bf16> last_queries;
  products.resize(static_cast<size_t>(kRows * padded));
  for (int64_t begin = 0; begin < n; begin += kRows) {
    int64_t stride = query_stride;
    const Bf16* const some = SomeQueries(queries, begin, n, pairs, &stride, last_queries);
    float largest[kRows];
    Products(some, stride, pairs, keys, padded, products.data(), largest);
    take(begin, std::min<int64_t>(kRows, n - begin), products.data(), padded);
  }
}

inline void Attend(const Bf16HeadShape& shape, const Bf16* queries, int64_t n, int64_t query_stride,
                   const Bf16* keys, const Bf16* values, Bf16* messages, int64_t message_stride) {
  const int64_t padded = Bf16HeadShape::RoundUp(shape.keys), pairs = Bf16HeadShape::RoundUp2(shape.width) / 2;
  thread_local std::vector<Bf16> last_queries;
  const auto score = [&](int64_t begin, float* products, float* largest, float* scales) {
    int64_t stride = query_stride;
    const Bf16* const some = SomeQueries(queries, begin, n, pairs, &stride, last_queries);
    Products(some, stride, pairs, keys, padded, products, largest);
    std::fill_n(scales, kRows, 1.0f);
  };
  AttendTo(shape, n, score, RoundedValues{values}, messages, message_stride);
}

// weights = 2^(products - shifts[row]) of some rows, `stride` apart, rounded, 0 beyond `count`; their sums
// before rounding are added to partial_totals (rows, kLanes).
inline void WeighRows(const float* products, int64_t rows, int64_t count, int64_t padded, int64_t stride,
                      const float* shifts, Bf16* weights, float* partial_totals) {
  for (int64_t r = 0; r < rows; ++r) {
    Vector sums = Load(partial_totals + r * kLanes);
    AddExponentials<RoundedValues>(products + r * stride, 1, shifts[r], count, padded, weights + r * stride,
                                   sums);
    Store(partial_totals + r * kLanes, sums);
  }
}

inline void SumLanes(const float* partial_totals, int64_t rows, float* totals) {
  for (int64_t r = 0; r < rows; ++r) totals[r] = Sum(Load(partial_totals + r * kLanes));
}

// largest[row] becomes the row's largest product where that is more.
inline void RaiseToLargest(const float* products, int64_t rows, int64_t count, int64_t stride,
                           float* largest) {
  for (int64_t r = 0; r < rows; ++r)
    largest[r] =
        std::max(largest[r], *std::max_element(products + r * stride, products + r * stride + count));
}

inline float LengthOfRow(const Bf16* row, int64_t width) {
  float sum = 0;
  for (int64_t c = 0; c < width; ++c) sum += FloatFromBf16(row[c]) * FloatFromBf16(row[c]);
  return std::sqrt(sum);
}

inline float LongestRow(const Bf16* rows, int64_t count, int64_t width, int64_t stride) {
  float longest = 0;
  for (int64_t r = 0; r < count; ++r) longest = std::max(longest, LengthOfRow(rows + r * stride, width));
  return longest;
}

// No product of a query with a key of that length is larger (Cauchy-Schwarz).
inline void BoundProducts(const Bf16* queries, int64_t rows, int64_t width, int64_t stride, float longest_key,
                          float* bounds) {
  for (int64_t r = 0; r < rows; ++r) bounds[r] = LengthOfRow(queries + r * stride, width) * longest_key;
}

inline void StoreMessages(const float* sums, int64_t sums_stride, int64_t rows, int64_t width,
                          const float* totals, Bf16* messages, int64_t message_stride) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t e = 0; e < width; ++e)
      messages[r * message_stride + e] = Bf16FromFloat(sums[r * sums_stride + e] / totals[r]);
  }
}
