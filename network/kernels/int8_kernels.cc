// Products of 8-bit integers; see int8_kernels.h.
#include "network/kernels/int8_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstring>

#include "network/kernels/amx.h"
#include "network/kernels/tile_products.h"

namespace colmatch {
namespace {

constexpr int64_t kTile = 32;

void Portable(const uint8_t* activations, const int8_t* weights, int64_t rows, int64_t groups, int64_t tiles,
              int32_t* sums) {
  for (int64_t tile = 0; tile < tiles; ++tile) {
    for (int64_t r = 0; r < rows; ++r) {
      int32_t out[kTile] = {};
      for (int64_t g = 0; g < groups; ++g) {
        const uint8_t* a = activations + (r * groups + g) * 4;
        const int8_t* w = weights + (tile * groups + g) * kTile * 4;
        for (int64_t c = 0; c < kTile; ++c)
          out[c] += a[0] * w[4 * c] + a[1] * w[4 * c + 1] + a[2] * w[4 * c + 2] + a[3] * w[4 * c + 3];
      }
      std::copy_n(out, kTile, sums + (r * tiles + tile) * kTile);
    }
  }
}

#if defined(__x86_64__)

inline int32_t Four(const uint8_t* a) {
  int32_t four;
  std::memcpy(&four, a, sizeof four);
  return four;
}

// maddubs adds two products in 16 bits, which unsigned 8-bit activations would overflow. With the centred
// ones, their magnitudes as the unsigned side and their signs given to the weights, two products are at most
// 2 * 127 * 127: exact.
template <int kRows>
__attribute__((target("avx2"), always_inline)) inline void Avx2Block(const uint8_t* activations,
                                                                     const int8_t* weights, int64_t groups,
                                                                     int64_t sums_stride, int32_t* sums) {
  const __m256i ones = _mm256_set1_epi16(1), center = _mm256_set1_epi8(static_cast<char>(0x80));
  __m256i acc[kRows][2];
  for (int r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
  for (int64_t g = 0; g < groups; ++g) {
    const auto* w = reinterpret_cast<const __m256i*>(weights + g * kTile * 4);
    const __m256i w0 = _mm256_loadu_si256(w), w1 = _mm256_loadu_si256(w + 1);
    for (int r = 0; r < kRows; ++r) {
      const __m256i a = _mm256_xor_si256(_mm256_set1_epi32(Four(activations + (r * groups + g) * 4)), center);
      const __m256i magnitude = _mm256_abs_epi8(a);
      const __m256i p0 = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(w0, a));
      const __m256i p1 = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(w1, a));
      acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(p0, ones));
      acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(p1, ones));
    }
  }
  for (int r = 0; r < kRows; ++r) {
    auto* out = reinterpret_cast<__m256i*>(sums + r * sums_stride);
    _mm256_storeu_si256(out, acc[r][0]);
    _mm256_storeu_si256(out + 1, acc[r][1]);
  }
}

__attribute__((target("avx2"))) void Avx2(const uint8_t* activations, const int8_t* weights, int64_t rows,
                                          int64_t groups, int64_t tiles, int32_t* sums) {
  constexpr int64_t kColumns = 16;  // at a time
  const int64_t stride = tiles * kTile;
  for (int64_t c = 0; c < stride; c += kColumns) {
    const int8_t* const w = weights + (c / kTile * groups * kTile + c % kTile) * 4;
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4)
      Avx2Block<4>(activations + r * groups * 4, w, groups, stride, sums + r * stride + c);
    for (; r < rows; ++r)
      Avx2Block<1>(activations + r * groups * 4, w, groups, stride, sums + r * stride + c);
  }
}

template <int kRows>
__attribute__((target("avx512f,avx512vnni"), always_inline)) inline void VnniBlock(
    const uint8_t* activations, const int8_t* weights, int64_t groups, int64_t sums_stride, int32_t* sums) {
  __m512i acc[kRows][2];
  for (int r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = _mm512_setzero_si512();
  for (int64_t g = 0; g < groups; ++g) {
    const __m512i w0 = _mm512_loadu_si512(weights + g * kTile * 4),
                  w1 = _mm512_loadu_si512(weights + g * kTile * 4 + 64);
    for (int r = 0; r < kRows; ++r) {
      const __m512i a = _mm512_set1_epi32(Four(activations + (r * groups + g) * 4));
      acc[r][0] = _mm512_dpbusd_epi32(acc[r][0], a, w0);
      acc[r][1] = _mm512_dpbusd_epi32(acc[r][1], a, w1);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    _mm512_storeu_si512(sums + r * sums_stride, acc[r][0]);
    _mm512_storeu_si512(sums + r * sums_stride + 16, acc[r][1]);
  }
}

// Twelve rows and 32 columns: their sums fill the registers, and a tile's weights stay in the first cache.
__attribute__((target("avx512f,avx512vnni"))) void Vnni(const uint8_t* activations, const int8_t* weights,
                                                        int64_t rows, int64_t groups, int64_t tiles,
                                                        int32_t* sums) {
  constexpr int kRows = 12;
  const int64_t stride = tiles * kTile;
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const int8_t* const w = weights + tile * groups * kTile * 4;
    int64_t r = 0;
    for (; r + kRows <= rows; r += kRows)
      VnniBlock<kRows>(activations + r * groups * 4, w, groups, stride, sums + r * stride + tile * kTile);
    for (; r + 2 <= rows; r += 2)
      VnniBlock<2>(activations + r * groups * 4, w, groups, stride, sums + r * stride + tile * kTile);
    for (; r < rows; ++r)
      VnniBlock<1>(activations + r * groups * 4, w, groups, stride, sums + r * stride + tile * kTile);
  }
}

#endif

}  // namespace

const std::vector<Int8Kernel>& Int8Kernels() {
  static const std::vector<Int8Kernel> kernels = [] {
    std::vector<Int8Kernel> list;
#if defined(__x86_64__)
    if (HasAmx()) list.push_back({"amx", false, amx::Int8Products});
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni"))
      list.push_back({"avx512vnni", false, Vnni});
    if (__builtin_cpu_supports("avx2")) list.push_back({"avx2", true, Avx2});
#endif
    list.push_back({"portable", false, Portable});
    return list;
  }();
  return kernels;
}

}  // namespace colmatch
