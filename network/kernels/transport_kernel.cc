// Ends of optimal transport; see transport_kernel.h.
#include "network/kernels/transport_kernel.h"

#include <algorithm>

#include "network/kernels/simd.h"

#define COLMATCH_KERNEL "network/kernels/transport_kernel-inl.h"
#include "network/kernels/foreach_simd.h"

namespace colmatch {

void CouplingKernelWith(int lanes, const float* scores, int64_t n, int64_t m, float bin, float* kernel,
                        int64_t stride) {
  simd::ForLanes(lanes, x4::CouplingKernel, x8::CouplingKernel, x16::CouplingKernel)(scores, n, m, bin,
                                                                                     kernel, stride);
}

void BestEntriesWith(int lanes, const float* kernel, int64_t stride, int64_t n, int64_t m, const float* a,
                     const float* b, float* row_largest, int32_t* row_best, int32_t* column_best) {
  simd::ForLanes(lanes, x4::BestEntries, x8::BestEntries, x16::BestEntries)(
      kernel, stride, n, m, a, b, row_largest, row_best, column_best);
}

void CouplingKernel(const float* scores, int64_t n, int64_t m, float bin, float* kernel, int64_t stride) {
  static const int lanes = simd::BestLanes();
  CouplingKernelWith(lanes, scores, n, m, bin, kernel, stride);
}

void BestEntries(const float* kernel, int64_t stride, int64_t n, int64_t m, const float* a, const float* b,
                 float* row_largest, int32_t* row_best, int32_t* column_best) {
  static const int lanes = simd::BestLanes();
  BestEntriesWith(lanes, kernel, stride, n, m, a, b, row_largest, row_best, column_best);
}

}  // namespace colmatch
