// Scaling iterations for vectors of one width; see scaling_kernel.h and foreach_simd.h.

constexpr float kTiny = 1e-30f;  // keeps a row or column that nothing reaches finite
constexpr int kRows = 4;         // at a time: b and the column sums are read once for all of them
constexpr int kPlain = 8;        // iterations before over-relaxation: the first go far, and not all one way

// How far an iteration goes beyond its answer, in shares of its step: the best for a rate of convergence in
// [0, 1) (Thibault 2021, section 4). 0 where iterations of this rate would not converge in time: what they
// have reached when they are cut off is the answer then, not where they lead.
inline float OverRelaxation(float rate, float change, int iterations_left, float tolerance) {
  if (!(rate < 1) || !(change * std::pow(rate, static_cast<float>(iterations_left)) < tolerance)) return 0;
  return 2 / (1 + std::sqrt(1 - rate)) - 1;
}

// `updated` and beyond, never near 0.
template <typename T>
inline T Beyond(T updated, T before, float over) {
  const T further = updated + over * (updated - before);
  const T least = 0.5f * updated;
  return further > least ? further : least;
}

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

// b = nu / column_sums; returns the largest change, of the updated entry.
inline float UpdateColumns(int64_t cols, const float* nu, const float* column_sums, float over, float* b) {
  Vector changes = {};
  int64_t j = 0;
  for (; j + kLanes <= cols; j += kLanes) {
    const Vector updated = Load(nu + j) / (Load(column_sums + j) + kTiny), before = Load(b + j);
    Vector change = (updated - before) / updated;
    change = change < 0.0f ? -change : change;
    changes = change > changes ? change : changes;
    Store(b + j, Beyond(updated, before, over));
  }
  float largest = Largest(changes);
  for (; j < cols; ++j) {
    const float updated = nu[j] / (column_sums[j] + kTiny);
    largest = std::max(largest, std::abs(updated - b[j]) / updated);
    b[j] = Beyond(updated, b[j], over);
  }
  return largest;
}

// As ScalingIterations; over-relaxed only if `faster`, and then 0 where half of the iterations did not do.
inline int Iterate(const float* kernel, int64_t stride, int64_t rows, int64_t cols, const float* mu,
                   const float* nu, float* a, float* b, int max_iterations, float tolerance, bool faster) {
  std::fill(b, b + cols, 1.0f);
  simd::AlignedBuffer buffer(cols);
  float* const column_sums = buffer.data();
  float over = 0, last_change = 0;
  for (int iteration = 1; iteration <= max_iterations; ++iteration) {
    std::fill(column_sums, column_sums + cols, 0.0f);
    int64_t i = 0;
    for (; i + kRows <= rows; i += kRows)
      UpdateRows<kRows>(kernel + i * stride, stride, cols, mu + i, b, over, a + i, column_sums);
    for (; i < rows; ++i)
      UpdateRows<1>(kernel + i * stride, stride, cols, mu + i, b, over, a + i, column_sums);
    const float change = UpdateColumns(cols, nu, column_sums, over, b);
    if (change < tolerance) return iteration;
    if (iteration == kPlain && faster)
      over = OverRelaxation(change / last_change, change, max_iterations - iteration, tolerance);
    if (over > 0 && iteration > max_iterations / 2) return 0;
    last_change = change;
  }
  return max_iterations;
}

inline int ScalingIterations(const float* kernel, int64_t stride, int64_t rows, int64_t cols, const float* mu,
                             const float* nu, float* a, float* b, int max_iterations, float tolerance) {
  // Where the rate was judged too well, plainly from the start.
  for (const bool faster : {true, false}) {
    const int done = Iterate(kernel, stride, rows, cols, mu, nu, a, b, max_iterations, tolerance, faster);
    if (done > 0) return done;
  }
  return max_iterations;
}
