// Sums and maxima over the threads of a warp and a block: for kernels in CUDA. All lanes receive the result,
// the same bits in each. No include guard: included by kernels' -inl.h files, inside their namespace.

constexpr unsigned int kAllLanes = 0xffffffffu;

__device__ inline float WarpSum(float x) {
  for (int mask = 16; mask > 0; mask /= 2) x += __shfl_xor_sync(kAllLanes, x, mask);
  return x;
}

__device__ inline float WarpMax(float x) {
  for (int mask = 16; mask > 0; mask /= 2) x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, mask));
  return x;
}

// A value and where it stands. Of equal ones the first.
struct Best {
  float value;
  int place;
};

__device__ inline Best Better(Best a, Best b) {
  return b.value > a.value || (b.value == a.value && b.place < a.place) ? b : a;
}

__device__ inline Best WarpBest(Best best) {
  for (int mask = 16; mask > 0; mask /= 2) {
    Best other;
    other.value = __shfl_xor_sync(kAllLanes, best.value, mask);
    other.place = __shfl_xor_sync(kAllLanes, best.place, mask);
    best = Better(best, other);
  }
  return best;
}
