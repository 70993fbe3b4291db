// Scaling iterations for vectors of one width; see scaling_kernel.h and foreach_simd.h.

constexpr float kTiny = 1e-30f;  // keeps a row or column that nothing reaches finite
constexpr int kRows = 4;         // at a time: b and the column sums are read once for all of them

// a[r] = mu[r] / (K b)[r] for kCount rows of K, and what they add to the column sums.
template <int kCount>
inline void UpdateRows(const float* rows, int64_t cols, const float* mu, const float* b, float* a,
                       float* column_sums) {
  Vector sums[kCount] = {};
  int64_t j = 0;
  for (; j + kLanes <= cols; j += kLanes) {
    const Vector factor = Load(b + j);
    for (int r = 0; r < kCount; ++r) sums[r] += Load(rows + r * cols + j) * factor;
  }
  for (int r = 0; r < kCount; ++r) {
    float sum = Sum(sums[r]);
    for (int64_t rest = j; rest < cols; ++rest) sum += rows[r * cols + rest] * b[rest];
    a[r] = mu[r] / (sum + kTiny);
  }
  for (j = 0; j + kLanes <= cols; j += kLanes) {
    Vector sum = Load(column_sums + j);
    for (int r = 0; r < kCount; ++r) sum += a[r] * Load(rows + r * cols + j);
    Store(column_sums + j, sum);
  }
  for (; j < cols; ++j) {
    for (int r = 0; r < kCount; ++r) column_sums[j] += a[r] * rows[r * cols + j];
  }
}

inline int ScalingIterations(const float* kernel, int64_t rows, int64_t cols, const float* mu,
                             const float* nu, float* a, float* b, int max_iterations, float tolerance) {
  std::fill(b, b + cols, 1.0f);
  simd::AlignedBuffer buffer(cols);
  float* const column_sums = buffer.data();
  for (int iteration = 1; iteration <= max_iterations; ++iteration) {
    std::fill(column_sums, column_sums + cols, 0.0f);
    int64_t i = 0;
    for (; i + kRows <= rows; i += kRows)
      UpdateRows<kRows>(kernel + i * cols, cols, mu + i, b, a + i, column_sums);
    for (; i < rows; ++i) UpdateRows<1>(kernel + i * cols, cols, mu + i, b, a + i, column_sums);
    float change = 0;
    for (int64_t j = 0; j < cols; ++j) {
      const float updated = nu[j] / (column_sums[j] + kTiny);
      change = std::max(change, std::abs(updated - b[j]) / updated);
      b[j] = updated;
    }
    if (change < tolerance) return iteration;
  }
  return max_iterations;
}
