// Vectors of bf16, beside simd-inl.h: kLanes pairs of neighbours, each in 32 bits. COLMATCH_BF16_INSTRUCTIONS
// says whether the target has AVX512_BF16. Included once for each instruction set: no include guard.

typedef uint32_t PairVector __attribute__((vector_size(kLanes * sizeof(uint32_t))));
typedef uint16_t Bf16Vector __attribute__((vector_size(kLanes * sizeof(uint16_t))));

// Pairs of bf16, or fours of 8-bit integers, of each lane.
template <typename T>
inline PairVector LoadGroups(const T* x) {
  PairVector v;
  std::memcpy(&v, x, sizeof v);
  return v;
}

// The same group in every lane.
template <typename T>
inline PairVector BroadcastGroup(const T* x) {
  uint32_t group;
  std::memcpy(&group, x, sizeof group);
  return PairVector{} + group;
}

#if COLMATCH_BF16_INSTRUCTIONS

// sums + both products of each pair, rounded as the instruction does: to nearest, denormals 0.
inline Vector DotAdd(Vector sums, PairVector a, PairVector b) {
  return (Vector)_mm512_dpbf16_ps((__m512)sums, (__m512bh)a, (__m512bh)b);
}

inline void StoreRounded(Bf16* x, Vector v) {
  const auto rounded = _mm512_cvtneps_pbh((__m512)v);
  std::memcpy(x, &rounded, sizeof rounded);
}

#else

inline Vector DotAdd(Vector sums, PairVector a, PairVector b) {
  sums += (Vector)(a << 16) * (Vector)(b << 16);
  return sums + (Vector)(a & 0xFFFF0000u) * (Vector)(b & 0xFFFF0000u);
}

// What is not a number may become infinite.
inline void StoreRounded(Bf16* x, Vector v) {
  const PairVector bits = (PairVector)v;
  const auto rounded = __builtin_convertvector((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16, Bf16Vector);
  std::memcpy(x, &rounded, sizeof rounded);
}

#endif
