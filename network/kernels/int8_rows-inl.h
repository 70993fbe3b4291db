// Rows of floats to 8-bit integers and back for vectors of one width; see int8_linear.cc and foreach_simd.h.
#include "network/kernels/simd_bf16-inl.h"
#include "network/kernels/simd_int8-inl.h"

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
