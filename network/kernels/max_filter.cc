// Window maxima; see max_filter.h.
#include "network/kernels/max_filter.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "network/kernels/simd.h"

#define COLMATCH_KERNEL "network/kernels/max_filter-inl.h"
#include "network/kernels/foreach_simd.h"

namespace colmatch {
namespace {

using Mask = std::vector<uint8_t>;  // 0 or 1

// near[y][x]: whether there is one within the radius. There are few.
void Dilate(const Mask& mask, size_t height, size_t width, size_t radius, Mask& near) {
  Mask rows(mask.size());
  for (size_t y = 0; y < height; ++y) {
    const uint8_t* const row = mask.data() + y * width;
    uint8_t* const wide = rows.data() + y * width;
    size_t done = 0;  // painted up to here
    for (size_t x = 0; x < width; ++x) {
      if (row[x] == 0) continue;
      const size_t first = std::max(done, x > radius ? x - radius : 0),
                   last = std::min(width, x + radius + 1);
      std::fill(wide + first, wide + last, uint8_t{1});
      done = last;
    }
  }
  for (size_t y = 0; y < height; ++y) {
    const size_t first = y > radius ? y - radius : 0, last = std::min(height - 1, y + radius);
    uint8_t* const out = near.data() + y * width;
    std::copy_n(rows.data() + first * width, width, out);
    for (size_t other = first + 1; other <= last; ++other) {
      const uint8_t* const row = rows.data() + other * width;
      for (size_t x = 0; x < width; ++x) out[x] |= row[x];
    }
  }
}

}  // namespace

void MaxFilter(const float* in, float* out, size_t height, size_t width, int radius) {
  static const auto best =
      simd::ForLanes(simd::BestLanes(), x4::MaxFilterKernel, x8::MaxFilterKernel, x16::MaxFilterKernel);
  best(in, out, static_cast<int64_t>(height), static_cast<int64_t>(width), std::max(0, radius));
}

void SuppressNonMaxima(const float* scores, float* out, size_t height, size_t width, int radius) {
  const size_t count = height * width, r = static_cast<size_t>(std::max(0, radius));
  std::vector<float> largest(count), left(count);
  Mask survives(count), near(count);
  MaxFilter(scores, largest.data(), height, width, radius);
  for (size_t i = 0; i < count; ++i) survives[i] = scores[i] == largest[i];
  for (int round = 0; round < 2; ++round) {
    Dilate(survives, height, width, r, near);
    for (size_t i = 0; i < count; ++i) left[i] = near[i] != 0 ? 0.0f : scores[i];
    MaxFilter(left.data(), largest.data(), height, width, radius);
    for (size_t i = 0; i < count; ++i)
      survives[i] = static_cast<uint8_t>(survives[i] | ((near[i] ^ 1) & (left[i] == largest[i] ? 1 : 0)));
  }
  for (size_t i = 0; i < count; ++i) out[i] = survives[i] != 0 ? scores[i] : 0.0f;
}

}  // namespace colmatch
