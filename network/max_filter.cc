// Window maxima; see max_filter.h.
#include "network/max_filter.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace colmatch {
namespace {

// The ternary, unlike std::fmax, is one vector instruction.
inline float Max(float a, float b) { return a < b ? b : a; }

void MaxInto(float* __restrict out, const float* __restrict in, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = Max(out[i], in[i]);
}

}  // namespace

void MaxFilter(const float* in, float* out, size_t height, size_t width, int radius) {
  const size_t r = static_cast<size_t>(std::max(0, radius));
  const float lowest = std::numeric_limits<float>::lowest();
  std::vector<float> rows(height * width), padded(width + 2 * r, lowest);
  for (size_t y = 0; y < height; ++y) {
    std::copy_n(in + y * width, width, padded.begin() + static_cast<std::ptrdiff_t>(r));
    float* row = rows.data() + y * width;
    std::copy_n(padded.begin(), width, row);
    for (size_t shift = 1; shift <= 2 * r; ++shift) MaxInto(row, padded.data() + shift, width);
  }
  for (size_t y = 0; y < height; ++y) {
    const size_t first = y > r ? y - r : 0, last = std::min(height - 1, y + r);
    float* row = out + y * width;
    std::copy_n(rows.data() + first * width, width, row);
    for (size_t other = first + 1; other <= last; ++other) MaxInto(row, rows.data() + other * width, width);
  }
}

}  // namespace colmatch
