// Fused attention; see attention_kernel.h.
#include "network/attention_kernel.h"

#include <algorithm>
#include <limits>

#include "network/simd.h"

#define COLMATCH_KERNEL "network/attention_kernel-inl.h"
#include "network/foreach_simd.h"

namespace colmatch {
namespace {

using Kernel = void (*)(const float*, int64_t, const float*, const float*, int64_t, int64_t, float, float*);

Kernel KernelWith(int lanes) {
#if defined(__x86_64__)
  if (lanes == 16) return x16::AttendHead;
  if (lanes == 8) return x8::AttendHead;
#endif
  return x4::AttendHead;
}

}  // namespace

void AttendHeadWith(int lanes, const float* query, int64_t n, const float* key, const float* value, int64_t m,
                    int64_t d, float scale, float* message) {
  KernelWith(lanes)(query, n, key, value, m, d, scale, message);
}

void AttendHead(const float* query, int64_t n, const float* key, const float* value, int64_t m, int64_t d,
                float scale, float* message) {
  static const Kernel kernel = KernelWith(simd::BestLanes());
  kernel(query, n, key, value, m, d, scale, message);
}

}  // namespace colmatch
