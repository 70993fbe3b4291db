// Dense scores; see cell_softmax.h.
#include "network/kernels/cell_softmax.h"

#include <algorithm>

#include "network/kernels/simd.h"

#define COLMATCH_KERNEL "network/kernels/cell_softmax-inl.h"
#include "network/kernels/foreach_simd.h"

namespace colmatch {

void CellSoftmax(const float* cells, int64_t width, int64_t first, int64_t last, float* scores) {
  static const auto best =
      simd::ForLanes(simd::BestLanes(), x4::CellSoftmaxRows, x8::CellSoftmaxRows, x16::CellSoftmaxRows);
  best(cells, width, first, last, scores);
}

}  // namespace colmatch
