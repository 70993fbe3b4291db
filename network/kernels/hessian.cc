// The determinant of the Hessian; see hessian.h.
#include "network/kernels/hessian.h"

#include <algorithm>
#include <cmath>

#include "network/kernels/simd.h"

#define COLMATCH_KERNEL "network/kernels/hessian-inl.h"
#include "network/kernels/foreach_simd.h"

namespace colmatch {

void HessianDeterminant(const HessianCall& call, int64_t first, int64_t last) {
  static const auto best =
      simd::ForLanes(simd::BestLanes(), x4::HessianRows, x8::HessianRows, x16::HessianRows);
  best(call, first, last);
}

}  // namespace colmatch
