// The maximum over a square window of every pixel of a grey map, on the CPU.
#pragma once

#include <cstddef>

namespace colmatch {

// out[y][x] = max of in over |dy|, |dx| <= radius, what lies outside ignored. Separable: rows first, then
// columns. LibTorch's max_pool2d also tracks indices and is twenty times slower at the radius of non-maximum
// suppression. in and out: height * width floats, row-major, not overlapping.
void MaxFilter(const float* in, float* out, size_t height, size_t width, int radius);

}  // namespace colmatch
