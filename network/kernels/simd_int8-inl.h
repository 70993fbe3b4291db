// Vectors of 8-bit integers and rows of floats or bf16 that become such, beside simd_bf16-inl.h. Included
// once for each instruction set: no include guard.

typedef uint8_t ByteVector __attribute__((vector_size(kLanes)));

inline void WidenRow(const Bf16* x, int64_t count, float* out) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Bf16Vector v;
    std::memcpy(&v, x + i, sizeof v);
    Store(out + i, (Vector)(__builtin_convertvector(v, PairVector) << 16));
  }
  for (; i < count; ++i) out[i] = FloatFromBf16(x[i]);
}

// The largest magnitude of a row; infinite or not a number where an entry is, whose bits are the largest.
inline float LargestMagnitude(const float* x, int64_t count) {
  IntVector maxima = {};
  for (int64_t i = 0; i < count; i += kLanes) {
    const IntVector bits = (IntVector)Load(x + i) & 0x7FFFFFFF;
    maxima = bits > maxima ? bits : maxima;
  }
  int32_t lanes[kLanes];
  std::memcpy(lanes, &maxima, sizeof lanes);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] = std::max(lanes[i], lanes[i + half]);
  }
  float largest;
  std::memcpy(&largest, lanes, sizeof largest);
  return largest;
}

constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits

// The nearest integers, plus `more`, which must be in [0, 255].
inline void StoreBytes(uint8_t* out, Vector x, int32_t more) {
  const auto bytes = __builtin_convertvector((IntVector)(x + kRounder) - (0x4B400000 - more), ByteVector);
  std::memcpy(out, &bytes, sizeof bytes);
}

// The row (a multiple of kLanes) as integers of which the largest magnitude is 127, each plus 128; returns
// what one of them is worth.
inline float QuantizeRow(const float* x, int64_t count, uint8_t* out) {
  constexpr float kLargest = 127;
  const float largest = LargestMagnitude(x, count);
  const bool fit = largest <= std::numeric_limits<float>::max();
  if (!fit || largest == 0) {
    std::fill(out, out + count, uint8_t{128});
    // Not a number or infinity shows in the results, too.
    return fit ? 0 : std::numeric_limits<float>::quiet_NaN();
  }
  const float inverse = kLargest / largest;
  for (int64_t i = 0; i < count; i += kLanes) {
    StoreBytes(out + i, Load(x + i) * inverse, 128);
  }
  return largest / kLargest;
}

// Of a row as QuantizeRow makes it, 128 less each.
inline int32_t SumOfRow(const uint8_t* row, int64_t count) {
  IntVector sums = {};
  for (int64_t i = 0; i < count; i += kLanes) {
    ByteVector bytes;
    std::memcpy(&bytes, row + i, sizeof bytes);
    sums += __builtin_convertvector(bytes, IntVector) - 128;
  }
  int32_t sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += sums[lane];
  return sum;
}

// sums + the four products of bytes, a's unsigned and b's signed, in each lane.
inline IntVector DotAddBytes(IntVector sums, PairVector a, PairVector b) {
#if COLMATCH_BF16_INSTRUCTIONS
  return (IntVector)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)a, (__m512i)b);
#else
  for (int byte = 0; byte < 4; ++byte)
    sums += (IntVector)(a >> (8 * byte) & 255u) * ((IntVector)(b << (24 - 8 * byte)) >> 24);
  return sums;
#endif
}
