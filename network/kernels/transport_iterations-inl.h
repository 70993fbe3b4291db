// Scaling iterations for vectors of one width; see transport_iterations.h and foreach_simd.h.

#include "network/kernels/transport_steps-inl.h"

constexpr int kRows = 4;  // at a time: b and the column sums are read once for all of them

// a[r] = mu[r] / (K b)[r] for kCount rows of K, and what they add to the column sums.
template <int kCount>
inline void UpdateRows(const float* rows, int64_t stride, int64_t cols, const float* mu, const float* b,
                       float over, float* a, float* column_sums) {
  Vector sums[kCount] = {};
  int64_t j = 0;
  for (; j + kLanes <= cols; j += kLanes) {
    const Vector factor = Load(b + j);
    for (int r = 0; r < kCount; ++r) sums[r] += Load(rows + r * stride + j) * factor;
  }
  for (int r = 0; r < kCount; ++r) {
    float sum = Sum(sums[r]);
    for (int64_t rest = j; rest < cols; ++rest) sum += rows[r * stride + rest] * b[rest];
    const float updated = mu[r] / (sum + kTiny);
    a[r] = over > 0 ? Beyond(updated, a[r], over) : updated;
  }
  for (j = 0; j + kLanes <= cols; j += kLanes) {
    Vector sum = Load(column_sums + j);
    for (int r = 0; r < kCount; ++r) sum += a[r] * Load(rows + r * stride + j);
    Store(column_sums + j, sum);
  }
  for (; j < cols; ++j) {
    for (int r = 0; r < kCount; ++r) column_sums[j] += a[r] * rows[r * stride + j];
  }
}

inline int TransportIterations(const float* kernel, int64_t stride, int64_t rows, int64_t cols,
                               const float* mu, const float* nu, float* a, float* b, int max_iterations,
                               float tolerance) {
  simd::AlignedBuffer buffer(cols);
  float* const column_sums = buffer.data();
  const auto update_rows = [&](float over) {
    std::fill(column_sums, column_sums + cols, 0.0f);
    int64_t i = 0;
    for (; i + kRows <= rows; i += kRows)
      UpdateRows<kRows>(kernel + i * stride, stride, cols, mu + i, b, over, a + i, column_sums);
    for (; i < rows; ++i)
      UpdateRows<1>(kernel + i * stride, stride, cols, mu + i, b, over, a + i, column_sums);
  };
  return IterateToEnd(update_rows, cols, nu, column_sums, b, max_iterations, tolerance);
}
