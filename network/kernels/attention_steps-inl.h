// The steps of fused attention that do not depend on how queries meet keys, for vectors of one width; see
// bf16_attention-inl.h, int8_attention-inl.h and foreach_simd.h.
#include "network/kernels/simd_bf16-inl.h"

constexpr int kRows =
    kLanes == 16 ? 6 : 4;  // queries at a time: with the vectors their sums fill the registers
constexpr int kVectors = kLanes == 16 ? 4 : 2;  // of keys

// 2^x for x <= 0 to 2e-4 of itself, far more than bf16 holds; 2^-126 below that.
inline Vector PowerOf2(Vector x) {
  constexpr float kLeast = -126.0f;
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  x = x > kLeast ? x : Vector{} + kLeast;
  const Vector shifted = x + kRounder;
  const Vector r = x - (shifted - kRounder);
  Vector p = r * 0.0558263f + 0.2401397f;
  p = p * r + 0.6931325f;
  p = p * r + 0.9999999f;
  return (Vector)((IntVector)p + ((IntVector)shifted << 23));
}

// Values and the weights that meet them, rounded to bf16. Values are packed as pairs of keys: (padded M / 2,
// value stride, 2).
struct RoundedValues {
  using Weight = Bf16;
  using Value = Bf16;
  using Sums = Vector;
  static constexpr int kKeys = 2;  // of a group

  const Bf16* packed;

  static void StoreWeights(Bf16* weights, Vector w) { StoreRounded(weights, w); }
  static Vector Add(Vector sums, PairVector weights, PairVector values) {
    return DotAdd(sums, weights, values);
  }
  static Vector ToFloats(Vector sums) { return sums; }
  static float Message(float sum, float total, int64_t) { return sum / total; }
};

// weights = 2^(scale (products - largest)), rounded; those beyond `count` are 0. Their sums before rounding,
// lane by lane, are added to sums.
template <typename Values>
inline void AddExponentials(const float* products, float scale, float largest, int64_t count, int64_t padded,
                            typename Values::Weight* weights, Vector& sums) {
  const float shift = scale * largest;
  int64_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    const Vector e = PowerOf2(Load(products + j) * scale - shift);
    Values::StoreWeights(weights + j, e);
    sums += e;
  }
  if (j < count) {
    float last[kLanes];
    Store(last, PowerOf2(Load(products + j) * scale - shift));
    std::fill(last + (count - j), last + kLanes, 0.0f);
    Values::StoreWeights(weights + j, Load(last));
    sums += Load(last);
    j += kLanes;
  }
  std::fill(weights + j, weights + padded, typename Values::Weight{0});
}

// The same of one row that is whole; returns the sum.
template <typename Values>
inline float Exponentiate(const float* products, float scale, float largest, int64_t count, int64_t padded,
                          typename Values::Weight* weights) {
  Vector sums = {};
  AddExponentials<Values>(products, scale, largest, count, padded, weights, sums);
  return Sum(sums);
}

// sums[r] = weights[r] . values for kCount vectors of a value's entries. Few vectors take the keys by turns
// into kTurns sums each, which do not wait for each other.
template <typename Values, int kCount, int kTurns>
inline void WeightedSums(const typename Values::Weight* weights, int64_t padded,
                         const typename Values::Value* values, int64_t value_stride, float* out) {
  constexpr int kKeys = Values::kKeys;
  typename Values::Sums sums[kTurns][kRows][kCount] = {};
  for (int64_t j = 0; j < padded; j += kKeys * kTurns) {
    for (int turn = 0; turn < kTurns; ++turn, values += kKeys * value_stride) {
      PairVector v[kCount];
      for (int i = 0; i < kCount; ++i) v[i] = LoadGroups(values + kKeys * i * kLanes);
      for (int r = 0; r < kRows; ++r) {
        const PairVector w = BroadcastGroup(weights + r * padded + j + kKeys * turn);
        for (int i = 0; i < kCount; ++i) sums[turn][r][i] = Values::Add(sums[turn][r][i], w, v[i]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int i = 0; i < kCount; ++i) {
      typename Values::Sums sum = sums[0][r][i];
      for (int turn = 1; turn < kTurns; ++turn) sum += sums[turn][r][i];
      Store(out + r * value_stride + i * kLanes, Values::ToFloats(sum));
    }
  }
}

// A head's messages (n, d) of queries whose products with the keys `score` makes: score(begin, products,
// largest, scales) of kRows queries from `begin` on gives products[r] (stride `padded`) of which the largest
// is largest[r] (or 0), each worth scales[r]. Those of rows beyond n are not used.
template <typename Score, typename Values>
inline void AttendTo(const Bf16HeadShape& shape, int64_t n, const Score& score, const Values& values,
                     Bf16* messages, int64_t message_stride) {
  constexpr int64_t kMaxVectors = kLanes == 16 ? 4 : 2;
  const int64_t padded = Bf16HeadShape::RoundUp(shape.keys), d = shape.width,
                value_stride = shape.ValueStride();
  thread_local std::vector<float> products, sums;
  thread_local std::vector<typename Values::Weight> weights;
  products.resize(static_cast<size_t>(kRows * padded));
  weights.resize(products.size());
  sums.resize(static_cast<size_t>(kRows * value_stride));
  const auto* const w = weights.data();
  const auto from = [&](int64_t channel) { return values.packed + Values::kKeys * channel; };
  for (int64_t begin = 0; begin < n; begin += kRows) {
    const int64_t rows = std::min<int64_t>(kRows, n - begin);
    float largest[kRows], scales[kRows], totals[kRows];
    score(begin, products.data(), largest, scales);
    for (int64_t r = 0; r < rows; ++r) {
      const float* const of_row = products.data() + r * padded;
      // What pads the keys has products of 0.
      if (shape.keys < padded && largest[r] <= 0) largest[r] = *std::max_element(of_row, of_row + shape.keys);
      totals[r] = Exponentiate<Values>(of_row, scales[r], largest[r], shape.keys, padded,
                                       weights.data() + r * padded);
    }
    int64_t c = 0;
    for (; c + kMaxVectors * kLanes <= value_stride; c += kMaxVectors * kLanes)
      WeightedSums<Values, kMaxVectors, 1>(w, padded, from(c), value_stride, sums.data() + c);
    for (; c + 2 * kLanes <= value_stride; c += 2 * kLanes)
      WeightedSums<Values, 2, 2>(w, padded, from(c), value_stride, sums.data() + c);
    for (; c < value_stride; c += kLanes)
      WeightedSums<Values, 1, 4>(w, padded, from(c), value_stride, sums.data() + c);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t e = 0; e < d; ++e)
        messages[(begin + r) * message_stride + e] =
            Bf16FromFloat(values.Message(sums[static_cast<size_t>(r * value_stride + e)], totals[r], e));
    }
  }
}
