// Fused attention; see attention_kernel.h.
#include "network/kernels/attention_kernel.h"

#include <algorithm>
#include <limits>

#include "network/kernels/simd.h"

#define COLMATCH_KERNEL "network/kernels/attention_kernel-inl.h"
#include "network/kernels/foreach_simd.h"

namespace colmatch {

void AttendHeadWith(int lanes, const float* query, int64_t n, const float* key, const float* value, int64_t m,
                    int64_t d, float scale, float* message) {
  simd::ForLanes(lanes, x4::AttendHead, x8::AttendHead, x16::AttendHead)(query, n, key, value, m, d, scale,
                                                                         message);
}

void AttendHead(const float* query, int64_t n, const float* key, const float* value, int64_t m, int64_t d,
                float scale, float* message) {
  static const int lanes = simd::BestLanes();
  AttendHeadWith(lanes, query, n, key, value, m, d, scale, message);
}

}  // namespace colmatch
