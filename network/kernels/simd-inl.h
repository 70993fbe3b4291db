// Vectors of kLanes floats, which foreach_simd.h sets. Arithmetic and comparisons are the compiler's own (the
// vector extension of GCC and Clang). Included once for each instruction set: no include guard.

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
typedef int32_t IntVector __attribute__((vector_size(kLanes * sizeof(int32_t))));

inline Vector Load(const float* x) {
  Vector v;
  std::memcpy(&v, x, sizeof v);
  return v;
}

inline void Store(float* x, Vector v) { std::memcpy(x, &v, sizeof v); }

inline float Sum(Vector v) {
  float sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += v[lane];
  return sum;
}

// Lanes are compared in halves, which takes a few shuffles instead of a chain of kLanes comparisons.
inline float Largest(Vector v) {
  float lanes[kLanes];
  Store(lanes, v);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] = lanes[i] < lanes[i + half] ? lanes[i + half] : lanes[i];
  }
  return lanes[0];
}

// Bit i is set where lane i of a comparison's result is.
inline uint32_t MaskOf(IntVector compared) {
#if defined(__x86_64__) && COLMATCH_LANES == 16
  return _mm512_cmplt_epi32_mask((__m512i)compared, _mm512_setzero_si512());
#elif defined(__x86_64__) && COLMATCH_LANES == 8
  return static_cast<uint32_t>(_mm256_movemask_ps((__m256)compared));
#else
  uint32_t mask = 0;
  for (int lane = 0; lane < kLanes; ++lane) mask |= compared[lane] != 0 ? 1u << lane : 0u;
  return mask;
#endif
}

// from[at[lane]] in each lane.
inline Vector Gather(const float* from, IntVector at) {
#if defined(__x86_64__) && COLMATCH_LANES == 16
  return (Vector)_mm512_i32gather_ps((__m512i)at, from, sizeof(float));
#else
  Vector v;
  for (int lane = 0; lane < kLanes; ++lane) v[lane] = from[at[lane]];
  return v;
#endif
}

inline IntVector Gather(const int32_t* from, IntVector at) {
  IntVector v;
  for (int lane = 0; lane < kLanes; ++lane) v[lane] = from[at[lane]];
  return v;
}

// exp(x) for x <= 0 to 2 units in the last place, 0 below -87: x = n ln 2 + r, a polynomial in r (Cephes'
// expf), n into the exponent.
inline Vector ExpOfNegative(Vector negative) {
  constexpr float kLeast = -87.0f;
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const IntVector counts = negative > kLeast;
  const Vector x = counts ? negative : Vector{} + kLeast;
  const Vector shifted = x * 1.44269504088896341f + kRounder;
  const Vector n = shifted - kRounder;
  const Vector r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vector p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const IntVector exponent = ((IntVector)shifted - (0x4B400000 - 127)) << 23;
  return (Vector)((IntVector)(p * (Vector)exponent) & counts);
}
