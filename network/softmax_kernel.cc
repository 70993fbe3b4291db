// Exponentials of a row; see softmax_kernel.h.
#include "network/softmax_kernel.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace colmatch {
namespace {

#define COLMATCH_INLINE inline __attribute__((always_inline))

constexpr int64_t kLanes = 16;  // independent partial results, so that the compiler may use vectors

// exp(x) for -87 <= x <= 0: x = n ln 2 + r, a polynomial in r (Cephes' expf), n into the exponent.
COLMATCH_INLINE float ExpOfNegative(float x) {
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const float shifted = x * 1.44269504088896341f + kRounder;
  const float n = shifted - kRounder;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  int32_t bits;
  std::memcpy(&bits, &shifted, sizeof(bits));
  const int32_t exponent = static_cast<int32_t>(static_cast<uint32_t>(bits - 0x4B400000 + 127) << 23);
  float power;
  std::memcpy(&power, &exponent, sizeof(power));
  return p * power;
}

COLMATCH_INLINE float ExponentiateRowBody(float* x, int64_t count) {
  float maxima[kLanes];
  std::fill(maxima, maxima + kLanes, -std::numeric_limits<float>::infinity());
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane)
      maxima[lane] = x[i + lane] > maxima[lane] ? x[i + lane] : maxima[lane];
  }
  float largest = *std::max_element(maxima, maxima + kLanes);
  for (; i < count; ++i) largest = std::max(largest, x[i]);

  constexpr float kLeast = -87.0f;
  const auto exp_of = [largest](float value) __attribute__((always_inline)) {
    const float difference = value - largest;
    const float result = ExpOfNegative(difference > kLeast ? difference : kLeast);
    return difference > kLeast ? result : 0.0f;
  };
  float sums[kLanes] = {};
  for (i = 0; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const float value = exp_of(x[i + lane]);
      x[i + lane] = value;
      sums[lane] += value;
    }
  }
  float sum = 0;
  for (; i < count; ++i) sum += x[i] = exp_of(x[i]);
  for (const float partial : sums) sum += partial;
  return sum;
}

using Kernel = float (*)(float*, int64_t);

float Portable(float* x, int64_t count) { return ExponentiateRowBody(x, count); }

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float Avx2(float* x, int64_t count) {
  return ExponentiateRowBody(x, count);
}
__attribute__((target("avx512f,avx2,fma"))) float Avx512(float* x, int64_t count) {
  return ExponentiateRowBody(x, count);
}
#endif

Kernel BestKernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return Avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Avx2;
#endif
  return Portable;
}

}  // namespace

float ExponentiateRow(float* x, int64_t count) {
  static const Kernel kernel = BestKernel();
  return kernel(x, count);
}

}  // namespace colmatch
