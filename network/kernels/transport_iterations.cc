// Scaling iterations; see transport_iterations.h.
#include "network/kernels/transport_iterations.h"

#include <algorithm>
#include <cmath>

#include "network/kernels/simd.h"

#define COLMATCH_KERNEL "network/kernels/transport_iterations-inl.h"
#include "network/kernels/foreach_simd.h"

namespace colmatch {

int TransportIterations(const float* kernel, int64_t stride, int64_t rows, int64_t cols, const float* mu,
                        const float* nu, float* a, float* b, int max_iterations, float tolerance) {
  static const auto best = simd::ForLanes(simd::BestLanes(), x4::TransportIterations, x8::TransportIterations,
                                          x16::TransportIterations);
  return best(kernel, stride, rows, cols, mu, nu, a, b, max_iterations, tolerance);
}

}  // namespace colmatch
