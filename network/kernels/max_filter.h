// Window maxima of a grey map and what stands out by them, on the CPU.
#pragma once

#include <cstddef>

namespace colmatch {

// out[y][x] = max of in over |dy|, |dx| <= radius, what lies outside ignored. Separable: rows first, then
// columns, with the machine's widest vectors. LibTorch's max_pool2d also tracks indices and is far slower at
// the radius of non-maximum suppression. in and out: height * width floats, row-major, not overlapping.
void MaxFilter(const float* in, float* out, size_t height, size_t width, int radius);

// out = scores where they survive non-maximum suppression, else 0, as the published code has it: the maxima
// of their windows, then twice the maxima of what lies in no survivor's window. Arrays as above.
void SuppressNonMaxima(const float* scores, float* out, size_t height, size_t width, int radius);

}  // namespace colmatch
