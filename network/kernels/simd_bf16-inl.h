// Vectors of bf16, in addition to simd-inl.h: each holds kLanes pairs of adjacent values, 32 bits per pair.
// COLMATCH_BF16_INSTRUCTIONS is 1 if the target has AVX512_BF16. Included once per instruction set, so it has
// no include guard.

typedef uint32_t PairVector __attribute__((vector_size(kLanes * sizeof(uint32_t))));
typedef uint16_t Bf16Vector __attribute__((vector_size(kLanes * sizeof(uint16_t))));

// Loads one group per lane: two bf16 or four 8-bit integers.
template <typename T>
inline PairVector LoadGroups(const T* x) {
  PairVector v;
  std::memcpy(&v, x, sizeof v);
  return v;
}

// Loads one group and copies it to every lane.
template <typename T>
inline PairVector BroadcastGroup(const T* x) {
  uint32_t group;
  std::memcpy(&group, x, sizeof group);
  return PairVector{} + group;
}

#if COLMATCH_BF16_INSTRUCTIONS

// Adds both products of each pair to the sums, rounded like the instruction (to nearest; denormals become 0).
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

// Rounds to nearest. NaN may become infinity.
inline void StoreRounded(Bf16* x, Vector v) {
  const PairVector bits = (PairVector)v;
  const auto rounded = __builtin_convertvector((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16, Bf16Vector);
  std::memcpy(x, &rounded, sizeof rounded);
}

#endif
