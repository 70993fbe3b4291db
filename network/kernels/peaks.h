// Peaks of grey maps on the CPU: which pixels survive non-maximum suppression, and where the next peak of a
// response is. Both visit few pixels; LibTorch's operations would visit all of them many times.
#pragma once

#include <cstdint>
#include <vector>

namespace colmatch {

// A grey map, row-major; not owned.
struct GreyMap {
  const float* values;
  int64_t height, width;

  float At(int64_t y, int64_t x) const { return values[y * width + x]; }
};

struct Peak {
  int32_t x, y;  // pixels
  float score;
};

// The pixels above `threshold` (at least 0) that survive non-maximum suppression as the published code has
// it, in row order: the maxima of their (2 radius + 1) windows, then twice the maxima of what lies in no
// survivor's window. Pixels at or below the threshold are not read: they suppress none of those above it.
std::vector<Peak> SuppressNonMaxima(const GreyMap& scores, int radius, float threshold);

// Moves a whole pixel (x, y) to the largest positive local maximum (of 3 x 3) of the response in the (2
// radius
// + 1) window around it, and from there to the top of the parabola through it and its neighbours, in x and in
// y separately. Maxima less than `border` pixels from the sides do not count. Where there is none, (x, y)
// stays.
void MoveToPeak(const GreyMap& response, int radius, int border, float& x, float& y);

}  // namespace colmatch
