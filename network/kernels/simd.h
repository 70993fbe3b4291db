// What the kernels compiled by foreach_simd.h share that does not depend on the width of vectors.
#pragma once

#include <cstdint>
#include <vector>

namespace colmatch::simd {

// Floats that begin at a cache line.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(int64_t count) : lines_(static_cast<size_t>((count + kPerLine - 1) / kPerLine)) {}
  float* data() { return lines_.data()->values; }

 private:
  static constexpr int64_t kPerLine = 16;
  struct alignas(64) Line {
    float values[kPerLine];
  };
  std::vector<Line> lines_;  // zeros at first
};

// A buffer that is used again keeps its memory where it is enough.
template <typename T>
void GrowTo(std::vector<T>& buffer, int64_t size) {
  if (static_cast<int64_t>(buffer.size()) < size) buffer.resize(static_cast<size_t>(size));
}

// Asks for what is read soon from rows too far apart for the processor to guess. Any address will do.
inline void Prefetch(const void* begin, int64_t bytes) {
  constexpr int64_t kLine = 64;
  for (int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(static_cast<const char*>(begin) + at);
}

// The widest vectors of this machine: 16, 8 or 4 floats.
inline int BestLanes() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return 16;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 8;
#endif
  return 4;
}

// The kernel for vectors of so many floats.
template <typename Kernel>
Kernel* ForLanes(int lanes, Kernel* x4, Kernel* x8, Kernel* x16) {
  return lanes == 16 ? x16 : lanes == 8 ? x8 : x4;
}

}  // namespace colmatch::simd
