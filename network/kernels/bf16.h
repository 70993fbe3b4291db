// bfloat16 on the CPU: the upper half of a float. Which kernels this machine has for it.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "network/kernels/amx.h"
#include "network/kernels/simd.h"

namespace colmatch {

using Bf16 = uint16_t;

inline float FloatFromBf16(Bf16 value) {
  const uint32_t bits = static_cast<uint32_t>(value) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

// To the nearest, ties to even; what is not a number stays so.
inline Bf16 Bf16FromFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (value != value) return static_cast<Bf16>(bits >> 16 | 0x40);
  return static_cast<Bf16>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

// Kernels by the width of vectors; without bf16 instructions products are taken of the two halves of a vector
// widened to floats: the same up to the order of sums, but not faster than float32. kTiles: AMX for the
// linear maps, all else as kInstructions.
enum class Bf16Path { kFourFloats, kEightFloats, kSixteenFloats, kInstructions, kTiles };

inline const char* NameOf(Bf16Path path) {
  constexpr const char* kNames[] = {"portable", "avx2", "avx512", "avx512bf16", "amx"};
  return kNames[static_cast<size_t>(path)];
}

// AVX-512 with bf16 products, and 8-bit ones, which every such processor has.
inline bool HasBf16Instructions() {
#if defined(__x86_64__)
  return simd::BestLanes() == 16 && __builtin_cpu_supports("avx512bf16") &&
         __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

// Those this machine has, the best last.
inline std::vector<Bf16Path> Bf16Paths() {
  std::vector<Bf16Path> paths = {Bf16Path::kFourFloats};
  if (simd::BestLanes() >= 8) paths.push_back(Bf16Path::kEightFloats);
  if (simd::BestLanes() >= 16) paths.push_back(Bf16Path::kSixteenFloats);
  if (HasBf16Instructions()) paths.push_back(Bf16Path::kInstructions);
  if (HasBf16Instructions() && HasAmx()) paths.push_back(Bf16Path::kTiles);
  return paths;
}

inline Bf16Path BestBf16Path() {
  static const Bf16Path best = Bf16Paths().back();
  return best;
}

// The kernel of this path.
template <typename Kernel>
Kernel* ForBf16Path(Bf16Path path, Kernel* x4, Kernel* x8, Kernel* x16, Kernel* bf16) {
  switch (path) {
    case Bf16Path::kFourFloats:
      return x4;
    case Bf16Path::kEightFloats:
      return x8;
    case Bf16Path::kSixteenFloats:
      return x16;
    case Bf16Path::kInstructions:
    case Bf16Path::kTiles:
      return bf16;
  }
  return x4;
}

}  // namespace colmatch
