// Linear maps in 8-bit integers; see int8_linear.h.
#include "network/int8_linear.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstring>

#include "network/error.h"

namespace colmatch {
namespace {

constexpr int64_t kColumnBlock = 16;  // outputs a kernel works on at once
constexpr int64_t kRowBlock = 64;     // rows quantized at once: they stay in the first cache
constexpr float kLargest = 127;

void Portable(const uint8_t* activations, const int8_t* weights, int64_t rows, int64_t groups,
              int64_t columns, int32_t* sums) {
  for (int64_t r = 0; r < rows; ++r) {
    int32_t* out = sums + r * columns;
    std::fill(out, out + columns, 0);
    for (int64_t g = 0; g < groups; ++g) {
      const uint8_t* a = activations + (r * groups + g) * 4;
      const int8_t* w = weights + g * columns * 4;
      for (int64_t c = 0; c < columns; ++c)
        out[c] += a[0] * w[4 * c] + a[1] * w[4 * c + 1] + a[2] * w[4 * c + 2] + a[3] * w[4 * c + 3];
    }
  }
}

#if defined(__x86_64__)

// Four activations to every lane.
__attribute__((target("avx2"))) inline __m256i Broadcast(const uint8_t* a) {
  int32_t four;
  std::memcpy(&four, a, sizeof four);
  return _mm256_set1_epi32(four);
}

// maddubs adds two products in 16 bits, which unsigned 8-bit activations would overflow. With the signed ones
// (128 less), their magnitudes as the unsigned side and their signs given to the weights, two products are at
// most 2 * 127 * 127: exact. What 128 less takes away is added by the caller's offsets.
template <int kRows>
__attribute__((target("avx2"), always_inline)) inline void Avx2Block(const uint8_t* activations,
                                                                     int64_t stride, const int8_t* weights,
                                                                     int64_t groups, int64_t columns,
                                                                     int32_t* sums) {
  const __m256i ones = _mm256_set1_epi16(1), center = _mm256_set1_epi8(static_cast<char>(0x80));
  __m256i acc[kRows][2];
  for (int r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
  for (int64_t g = 0; g < groups; ++g) {
    const auto* w = reinterpret_cast<const __m256i*>(weights + g * columns * 4);
    const __m256i w0 = _mm256_loadu_si256(w), w1 = _mm256_loadu_si256(w + 1);
    for (int r = 0; r < kRows; ++r) {
      const __m256i a = _mm256_xor_si256(Broadcast(activations + r * stride + g * 4), center);
      const __m256i magnitude = _mm256_abs_epi8(a);
      const __m256i p0 = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(w0, a));
      const __m256i p1 = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(w1, a));
      acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(p0, ones));
      acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(p1, ones));
    }
  }
  for (int r = 0; r < kRows; ++r) {
    auto* out = reinterpret_cast<__m256i*>(sums + r * columns);
    _mm256_storeu_si256(out, acc[r][0]);
    _mm256_storeu_si256(out + 1, acc[r][1]);
  }
}

// The sums of signed activations: without the offsets.
__attribute__((target("avx2"))) void Avx2(const uint8_t* activations, const int8_t* weights, int64_t rows,
                                          int64_t groups, int64_t columns, int32_t* sums) {
  const int64_t stride = groups * 4;
  for (int64_t c = 0; c < columns; c += kColumnBlock) {
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4)
      Avx2Block<4>(activations + r * stride, stride, weights + c * 4, groups, columns,
                   sums + r * columns + c);
    for (; r < rows; ++r)
      Avx2Block<1>(activations + r * stride, stride, weights + c * 4, groups, columns,
                   sums + r * columns + c);
  }
}

template <int kRows>
__attribute__((target("avx512f,avx512vnni"), always_inline)) inline void VnniBlock(
    const uint8_t* activations, int64_t stride, const int8_t* weights, int64_t groups, int64_t columns,
    int32_t* sums) {
  __m512i acc[kRows];
  for (int r = 0; r < kRows; ++r) acc[r] = _mm512_setzero_si512();
  for (int64_t g = 0; g < groups; ++g) {
    const __m512i w = _mm512_loadu_si512(weights + g * columns * 4);
    for (int r = 0; r < kRows; ++r) {
      int32_t four;
      std::memcpy(&four, activations + r * stride + g * 4, sizeof four);
      acc[r] = _mm512_dpbusd_epi32(acc[r], _mm512_set1_epi32(four), w);
    }
  }
  for (int r = 0; r < kRows; ++r) _mm512_storeu_si512(sums + r * columns, acc[r]);
}

__attribute__((target("avx512f,avx512vnni"))) void Vnni(const uint8_t* activations, const int8_t* weights,
                                                        int64_t rows, int64_t groups, int64_t columns,
                                                        int32_t* sums) {
  const int64_t stride = groups * 4;
  for (int64_t c = 0; c < columns; c += kColumnBlock) {
    int64_t r = 0;
    for (; r + 8 <= rows; r += 8)
      VnniBlock<8>(activations + r * stride, stride, weights + c * 4, groups, columns,
                   sums + r * columns + c);
    for (; r < rows; ++r)
      VnniBlock<1>(activations + r * stride, stride, weights + c * 4, groups, columns,
                   sums + r * columns + c);
  }
}

#endif

struct NamedKernel {
  const char* name;
  Int8Linear::Kernel kernel;
  bool adds_offsets;  // whether its sums are of unsigned activations
};

const std::vector<NamedKernel>& KernelsHere() {
  static const std::vector<NamedKernel> kernels = [] {
    std::vector<NamedKernel> list;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni"))
      list.push_back({"avx512vnni", Vnni, true});
    if (__builtin_cpu_supports("avx2")) list.push_back({"avx2", Avx2, false});
#endif
    list.push_back({"portable", Portable, true});
    return list;
  }();
  return kernels;
}

// The row as integers of which the largest magnitude is 127, each plus 128; returns what one of them is
// worth.
float QuantizeRow(const float* x, int64_t count, uint8_t* out) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(x[i]));
  if (!(largest > 0) || !std::isfinite(largest)) {
    std::fill(out, out + count, uint8_t{128});
    return largest;  // 0, or NaN and infinity, which the results then show, too
  }
  const float inverse = kLargest / largest;
  for (int64_t i = 0; i < count; ++i)
    out[i] = static_cast<uint8_t>(static_cast<int32_t>(std::nearbyint(x[i] * inverse)) + 128);
  return largest / kLargest;
}

}  // namespace

Int8Linear::Int8Linear(const float* weight, const float* bias, int64_t outputs, int64_t inputs)
    : inputs_(inputs),
      outputs_(outputs),
      groups_((inputs + 3) / 4),
      columns_((outputs + kColumnBlock - 1) / kColumnBlock * kColumnBlock),
      packed_(static_cast<size_t>(groups_ * columns_ * 4)),
      offsets_(static_cast<size_t>(columns_)),
      scales_(static_cast<size_t>(columns_)),
      bias_(bias, bias + outputs) {
  if (inputs < 1 || inputs > 1 << 16) throw WeightsError("Int8Linear: inputs must be in [1, 65536]");
  for (int64_t o = 0; o < outputs; ++o) {
    const float* row = weight + o * inputs;
    float largest = 0;
    for (int64_t i = 0; i < inputs; ++i) largest = std::max(largest, std::abs(row[i]));
    scales_[static_cast<size_t>(o)] = largest / kLargest;
    const float inverse = largest > 0 ? kLargest / largest : 0;
    for (int64_t i = 0; i < inputs; ++i) {
      const auto code = static_cast<int8_t>(std::nearbyint(row[i] * inverse));
      packed_[static_cast<size_t>((i / 4 * columns_ + o) * 4 + i % 4)] = code;
      offsets_[static_cast<size_t>(o)] += 128 * code;
    }
  }
}

void Int8Linear::Run(Kernel kernel, const float* x, int64_t rows, float* y) const {
  const auto& kernels = KernelsHere();
  const bool adds_offsets = std::find_if(kernels.begin(), kernels.end(), [&](const NamedKernel& k) {
                              return k.kernel == kernel;
                            })->adds_offsets;
  thread_local std::vector<uint8_t> activations;
  thread_local std::vector<int32_t> sums;
  activations.assign(static_cast<size_t>(kRowBlock * groups_ * 4), 128);
  sums.resize(static_cast<size_t>(kRowBlock * columns_));
  float row_scales[kRowBlock];
  for (int64_t begin = 0; begin < rows; begin += kRowBlock) {
    const int64_t count = std::min(kRowBlock, rows - begin);
    for (int64_t r = 0; r < count; ++r)
      row_scales[r] =
          QuantizeRow(x + (begin + r) * inputs_, inputs_, &activations[static_cast<size_t>(r * groups_ * 4)]);
    kernel(activations.data(), packed_.data(), count, groups_, columns_, sums.data());
    for (int64_t r = 0; r < count; ++r) {
      const int32_t* sum = &sums[static_cast<size_t>(r * columns_)];
      float* out = y + (begin + r) * outputs_;
      for (int64_t o = 0; o < outputs_; ++o) {
        const int32_t exact = adds_offsets ? sum[o] - offsets_[static_cast<size_t>(o)] : sum[o];
        out[o] = static_cast<float>(exact) * (row_scales[r] * scales_[static_cast<size_t>(o)]) +
                 bias_[static_cast<size_t>(o)];
      }
    }
  }
}

void Int8Linear::Apply(const float* x, int64_t rows, float* y) const {
  Run(KernelsHere().front().kernel, x, rows, y);
}

std::vector<std::string> Int8Linear::Kernels() {
  std::vector<std::string> names;
  for (const NamedKernel& kernel : KernelsHere()) names.emplace_back(kernel.name);
  return names;
}

void Int8Linear::ApplyWith(const std::string& kernel, const float* x, int64_t rows, float* y) const {
  for (const NamedKernel& here : KernelsHere()) {
    if (kernel == here.name) return Run(here.kernel, x, rows, y);
  }
  throw UsageError("Int8Linear: this machine has no kernel " + kernel);
}

}  // namespace colmatch
