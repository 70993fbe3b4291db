// Rows of floats to 8-bit integers and back for vectors of one width; see int8_linear.cc and foreach_simd.h.
#include "network/simd_bf16-inl.h"

typedef uint8_t ByteVector __attribute__((vector_size(kLanes)));

inline Vector Magnitude(Vector v) { return (Vector)((IntVector)v & 0x7FFFFFFF); }

// The row (a multiple of kLanes) as integers of which the largest magnitude is 127, each plus 128; returns
// what one of them is worth.
inline float QuantizeRow(const float* x, int64_t count, uint8_t* out) {
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  constexpr float kLargest = 127;
  Vector maxima = {};
  IntVector unfit = {};
  for (int64_t i = 0; i < count; i += kLanes) {
    const Vector v = Magnitude(Load(x + i));
    maxima = v > maxima ? v : maxima;
    unfit |= ~(v <= std::numeric_limits<float>::max());
  }
  const float largest = Largest(maxima);
  bool fit = true;
  for (int lane = 0; lane < kLanes; ++lane) fit = fit && unfit[lane] == 0;
  if (!fit || largest == 0) {
    std::fill(out, out + count, uint8_t{128});
    // Not a number or infinity shows in the results, too.
    return fit ? 0 : std::numeric_limits<float>::quiet_NaN();
  }
  const float inverse = kLargest / largest;
  for (int64_t i = 0; i < count; i += kLanes) {
    const Vector shifted = Load(x + i) * inverse + kRounder;
    const auto bytes = __builtin_convertvector((IntVector)shifted - (0x4B400000 - 128), ByteVector);
    std::memcpy(out + i, &bytes, sizeof bytes);
  }
  return largest / kLargest;
}

// out = (sums - offsets) times what they are worth, plus bias.
inline void DequantizeRow(const int32_t* sums, const int32_t* offsets, float row_scale, const float* scales,
                          const float* bias, int64_t count, float* out) {
  for (int64_t c = 0; c < count; c += kLanes) {
    IntVector sum, offset;
    std::memcpy(&sum, sums + c, sizeof sum);
    std::memcpy(&offset, offsets + c, sizeof offset);
    const Vector exact = __builtin_convertvector(sum - offset, Vector);
    Store(out + c, exact * (row_scale * Load(scales + c)) + Load(bias + c));
  }
}

inline void WidenRow(const Bf16* x, int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = FloatFromBf16(x[i]);
}

inline void RoundRow(const float* x, int64_t count, bool relu, Bf16* out) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const Vector v = Load(x + i);
    StoreRounded(out + i, relu ? (v > 0.0f ? v : Vector{}) : v);
  }
}

inline void AddRow(const float* x, int64_t count, float* sums, Bf16* out) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const Vector v = Load(sums + i) + Load(x + i);
    Store(sums + i, v);
    StoreRounded(out + i, v);
  }
}

inline Int8Rows Rows() { return {QuantizeRow, DequantizeRow, WidenRow, RoundRow, AddRow}; }
