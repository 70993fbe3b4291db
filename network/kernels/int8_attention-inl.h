// Fused attention with integer products for vectors of one width; see int8_attention.h and foreach_simd.h.
#include "network/kernels/attention_steps-inl.h"
#include "network/kernels/simd_int8-inl.h"

// Int8Values, and weights as multiples of 1 / 255.
struct IntegerValues {
  using Weight = uint8_t;
  using Value = int8_t;
  using Sums = IntVector;
  static constexpr int kKeys = 4;  // of a group
  static constexpr float kOne = 255;

  const int8_t* packed;
  const float *mean, *scales;

  static void StoreWeights(uint8_t* weights, Vector w) { StoreBytes(weights, w * kOne, 0); }
  static IntVector Add(IntVector sums, PairVector weights, PairVector values) {
    return DotAddBytes(sums, weights, values);
  }
  static Vector ToFloats(IntVector sums) { return __builtin_convertvector(sums, Vector); }
  float Message(float sum, float total, int64_t channel) const {
    return mean[channel] + sum * scales[channel] / (kOne * total);
  }
};

// products[r] (stride `padded`) = queries[r] . keys but for the queries' scales, and the largest of each.
inline void IntegerProducts(const uint8_t* queries, int64_t stride, int64_t fours, const Int8Keys& keys,
                            int64_t padded, float* products, float* largest) {
  constexpr int64_t kTile = Bf16HeadShape::kTile;
  Vector maxima[kRows];
  for (int r = 0; r < kRows; ++r) maxima[r] = Vector{} + std::numeric_limits<float>::lowest();
  for (int64_t j = 0; j < padded; j += kVectors * kLanes) {
    IntVector sums[kRows][kVectors];
    for (int v = 0; v < kVectors; ++v) {
      IntVector offset;
      std::memcpy(&offset, keys.offsets.data() + j + v * kLanes, sizeof offset);
      for (int r = 0; r < kRows; ++r) sums[r][v] = offset;
    }
    const int8_t* tile = keys.codes.data() + (j / kTile * fours * kTile + j % kTile) * 4;
    for (int64_t c = 0; c < fours; ++c, tile += 4 * kTile) {
      PairVector k[kVectors];
      for (int v = 0; v < kVectors; ++v) k[v] = LoadGroups(tile + 4 * v * kLanes);
      for (int r = 0; r < kRows; ++r) {
        const PairVector q = BroadcastGroup(queries + r * stride + 4 * c);
        for (int v = 0; v < kVectors; ++v) sums[r][v] = DotAddBytes(sums[r][v], q, k[v]);
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      const Vector scale = Load(keys.scales.data() + j + v * kLanes);
      for (int r = 0; r < kRows; ++r) {
        const Vector product = __builtin_convertvector(sums[r][v], Vector) * scale;
        Store(products + r * padded + j + v * kLanes, product);
        maxima[r] = product > maxima[r] ? product : maxima[r];
      }
    }
  }
  for (int r = 0; r < kRows; ++r) largest[r] = Largest(maxima[r]);
}

// The mean of rows (M, d), keys or values; `mean` comes as zeros.
inline void MeanOfRows(const Bf16HeadShape& shape, const Bf16* rows, int64_t stride, float* mean) {
  const int64_t d = shape.width, m = shape.keys;
  for (int64_t j = 0; j < m; ++j, rows += stride) {
    simd::Prefetch(rows + std::min<int64_t>(16, m - 1 - j) * stride, d * static_cast<int64_t>(sizeof(Bf16)));
    for (int64_t c = 0; c < d; ++c) mean[c] += FloatFromBf16(rows[c]);
  }
  for (int64_t c = 0; c < d; ++c) mean[c] /= static_cast<float>(m);
}

// A row without the mean; `out` has whole vectors.
inline void CentreRow(const Bf16HeadShape& shape, const Bf16* row, const float* mean, float* out) {
  WidenRow(row, shape.width, out);
  for (int64_t c = 0; c < shape.ValueStride(); c += kLanes) Store(out + c, Load(out + c) - Load(mean + c));
}

inline void PackIntegers(const Bf16HeadShape& shape, const Bf16* keys, int64_t stride, Int8Keys& packed) {
  constexpr int64_t kTile = Bf16HeadShape::kTile;
  const int64_t width = shape.ValueStride();
  thread_local std::vector<float> mean, row;
  thread_local std::vector<uint8_t> codes;
  mean.assign(static_cast<size_t>(width), 0);
  row.assign(mean.size(), 0);
  codes.resize(row.size());
  MeanOfRows(shape, keys, stride, mean.data());
  for (int64_t j = 0; j < shape.keys; ++j) {
    CentreRow(shape, keys + j * stride, mean.data(), row.data());
    packed.scales[static_cast<size_t>(j)] = QuantizeRow(row.data(), width, codes.data());
    packed.offsets[static_cast<size_t>(j)] = -128 * SumOfRow(codes.data(), width);
    int8_t* out = packed.codes.data() + j / kTile * width * kTile + j % kTile * 4;
    for (int64_t c = 0; c < width; c += 4, out += 4 * kTile) {
      uint32_t four;
      std::memcpy(&four, codes.data() + c, sizeof four);
      four ^= 0x80808080u;  // 128 less
      std::memcpy(out, &four, sizeof four);
    }
  }
}

inline void PackIntegerValues(const Bf16HeadShape& shape, const Bf16* values, int64_t stride,
                              Int8Values& packed) {
  constexpr float kLargest = 127;
  const int64_t width = shape.ValueStride(), m = shape.keys;
  thread_local std::vector<float> rows, inverse;
  rows.assign(static_cast<size_t>(4 * width), 0);
  inverse.assign(static_cast<size_t>(width), 0);
  MeanOfRows(shape, values, stride, packed.mean.data());
  float* const largest = packed.scales.data();
  const auto centre = [&](int64_t j, float* row) {
    CentreRow(shape, values + j * stride, packed.mean.data(), row);
  };
  for (int64_t j = 0; j < m; ++j) {
    centre(j, rows.data());
    for (int64_t c = 0; c < width; c += kLanes) {
      const Vector v = Load(rows.data() + c), magnitude = v < 0.0f ? -v : v, most = Load(largest + c);
      Store(largest + c, magnitude > most ? magnitude : most);
    }
  }
  for (int64_t c = 0; c < width; ++c) {
    inverse[static_cast<size_t>(c)] = largest[c] > 0 ? kLargest / largest[c] : 0;
    packed.scales[static_cast<size_t>(c)] = largest[c] / kLargest;
  }
  for (int64_t j = 0; j < m; j += 4) {
    // What pads the last group has weights of 0.
    for (int64_t k = 0; k < 4; ++k) centre(std::min(j + k, m - 1), rows.data() + k * width);
    int8_t* const out = packed.codes.data() + j * width;
    for (int64_t c = 0; c < width; c += kLanes) {
      PairVector fours = {};
      for (int k = 0; k < 4; ++k) {
        const Vector shifted = Load(rows.data() + k * width + c) * Load(inverse.data() + c) + kRounder;
        fours |= ((PairVector)shifted & 255u) << (8 * k);
      }
      std::memcpy(out + 4 * c, &fours, sizeof fours);
    }
  }
}

inline void AttendIntegers(const Bf16HeadShape& shape, const Bf16* queries, int64_t n, int64_t query_stride,
                           const Int8Keys& keys, const Int8Values& values, Bf16* messages,
                           int64_t message_stride) {
  const int64_t padded = Bf16HeadShape::RoundUp(shape.keys), d = shape.width, width = shape.ValueStride();
  thread_local std::vector<float> row;
  thread_local std::vector<uint8_t> codes;
  row.assign(static_cast<size_t>(width), 0);
  codes.resize(static_cast<size_t>(kRows * width));
  const auto score = [&](int64_t begin, float* products, float* largest, float* scales) {
    for (int64_t r = 0; r < kRows; ++r) {
      const auto query = [&](int64_t row) { return queries + std::min(row, n - 1) * query_stride; };
      simd::Prefetch(query(begin + kRows + r), d * static_cast<int64_t>(sizeof(Bf16)));
      WidenRow(query(begin + r), d, row.data());
      scales[r] = QuantizeRow(row.data(), width, codes.data() + r * width);
    }
    IntegerProducts(codes.data(), width, width / 4, keys, padded, products, largest);
  };
  AttendTo(shape, n, score, IntegerValues{values.codes.data(), values.mean.data(), values.scales.data()},
           messages, message_stride);
}
