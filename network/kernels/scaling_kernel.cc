// Scaling iterations; see scaling_kernel.h.
#include "network/kernels/scaling_kernel.h"

#include <algorithm>
#include <cmath>

#include "network/kernels/simd.h"

#define COLMATCH_KERNEL "network/kernels/scaling_kernel-inl.h"
#include "network/kernels/foreach_simd.h"

namespace colmatch {

int ScalingIterations(const float* kernel, int64_t stride, int64_t rows, int64_t cols, const float* mu,
                      const float* nu, float* a, float* b, int max_iterations, float tolerance) {
  static const auto best =
      simd::ForLanes(simd::BestLanes(), x4::ScalingIterations, x8::ScalingIterations, x16::ScalingIterations);
  return best(kernel, stride, rows, cols, mu, nu, a, b, max_iterations, tolerance);
}

}  // namespace colmatch
