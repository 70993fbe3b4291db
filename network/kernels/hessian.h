// The determinant of the Hessian of a smoothed image on the CPU, in one pass over memory.
#pragma once

#include <cstdint>

namespace colmatch {

// Sizes and the smoothing of HessianDeterminant. in and out: height x width floats, row-major, not
// overlapping.
struct HessianCall {
  const float* in;
  float* out;
  int64_t height, width;
  const float* weights;  // (2 radius + 1), of the Gaussian, which is applied along rows and along columns
  int64_t radius;
};

// Rows [first, last) of out = |dxx dyy - dxy^2|, second differences of the smoothed image; borders are
// repeated. A row's result does not depend on which rows are computed together. Thread-safe.
void HessianDeterminant(const HessianCall& call, int64_t first, int64_t last);

}  // namespace colmatch
