// Fused attention for vectors of one width; see attention_kernel.h and foreach_simd.h.

constexpr int kRows = 6;     // queries at a time: with two vectors each, their sums fill AVX2's 16 registers
constexpr int kVectors = 2;  // of keys, or of a value's entries, at a time
constexpr int kTile = kVectors * kLanes;

inline int64_t RoundUp(int64_t count, int64_t step) { return (count + step - 1) / step * step; }

// packed[tile][c][i] = scale * key[tile * kTile + i][c]: what a tile of keys needs lies together.
inline void PackKeys(const float* key, int64_t m, int64_t d, float scale, float* packed) {
  for (int64_t j = 0; j < m; ++j) {
    float* const tile = packed + j / kTile * kTile * d + j % kTile;
    for (int64_t c = 0; c < d; ++c) tile[c * kTile] = scale * key[j * d + c];
  }
}

// weights[r] (stride `padded`) = query[r] . keys, for kRows queries.
inline void Products(const float* query, int64_t d, const float* packed_keys, int64_t padded,
                     float* weights) {
  for (int64_t j = 0; j < padded; j += kTile) {
    Vector sums[kRows][kVectors] = {};
    const float* keys = packed_keys + j * d;
    for (int64_t c = 0; c < d; ++c, keys += kTile) {
      const Vector k0 = Load(keys), k1 = Load(keys + kLanes);
      for (int r = 0; r < kRows; ++r) {
        sums[r][0] += query[r * d + c] * k0;
        sums[r][1] += query[r * d + c] * k1;
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVectors; ++v) Store(weights + r * padded + j + v * kLanes, sums[r][v]);
    }
  }
}

// x becomes exp(x - max x); returns the sum.
inline float Exponentiate(float* x, int64_t padded) {
  Vector maxima = Load(x);
  for (int64_t j = kLanes; j < padded; j += kLanes) {
    const Vector v = Load(x + j);
    maxima = v > maxima ? v : maxima;
  }
  const float largest = Largest(maxima);
  Vector sums = {};
  for (int64_t j = 0; j < padded; j += kLanes) {
    const Vector e = ExpOfNegative(Load(x + j) - largest);
    Store(x + j, e);
    sums += e;
  }
  return Sum(sums);
}

// out[r] = weights[r] . values, for `vectors` vectors of a value's entries.
template <int kCount>
inline void WeightedSums(const float* weights, int64_t padded, const float* values, int64_t m,
                         int64_t value_stride, float* out) {
  Vector sums[kRows][kCount] = {};
  for (int64_t j = 0; j < m; ++j, values += value_stride) {
    Vector v[kCount];
    for (int i = 0; i < kCount; ++i) v[i] = Load(values + i * kLanes);
    for (int r = 0; r < kRows; ++r) {
      for (int i = 0; i < kCount; ++i) sums[r][i] += weights[r * padded + j] * v[i];
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int i = 0; i < kCount; ++i) Store(out + r * value_stride + i * kLanes, sums[r][i]);
  }
}

inline void AttendHead(const float* query, int64_t n, const float* key, const float* value, int64_t m,
                       int64_t d, float scale, float* message) {
  const int64_t padded = RoundUp(m, kTile), value_stride = RoundUp(d, kLanes);
  simd::AlignedBuffer packed_keys(padded * d), values(m * value_stride), queries(kRows * d),
      weights(kRows * padded), sums(kRows * value_stride);
  PackKeys(key, m, d, scale, packed_keys.data());
  for (int64_t j = 0; j < m; ++j) std::copy_n(value + j * d, d, values.data() + j * value_stride);
  for (int64_t begin = 0; begin < n; begin += kRows) {
    const int64_t rows = std::min<int64_t>(kRows, n - begin);
    std::copy_n(query + begin * d, rows * d, queries.data());
    Products(queries.data(), d, packed_keys.data(), padded, weights.data());
    float totals[kRows];
    for (int r = 0; r < kRows; ++r) {
      float* const row = weights.data() + r * padded;
      std::fill(row + m, row + padded, std::numeric_limits<float>::lowest());
      totals[r] = Exponentiate(row, padded);
    }
    int64_t c = 0;
    for (; c + kVectors * kLanes <= value_stride; c += kVectors * kLanes)
      WeightedSums<kVectors>(weights.data(), padded, values.data() + c, m, value_stride, sums.data() + c);
    for (; c < value_stride; c += kLanes)
      WeightedSums<1>(weights.data(), padded, values.data() + c, m, value_stride, sums.data() + c);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t e = 0; e < d; ++e)
        message[(begin + r) * d + e] = sums.data()[r * value_stride + e] / totals[r];
    }
  }
}
