// What the scaling iterations over dense and over listed entries share; see transport_iterations.h,
// candidate_transport.h and foreach_simd.h.

constexpr float kTiny = 1e-30f;  // keeps a row or column that nothing reaches finite
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

// Iterations of update_rows(over), which updates the rows' factors from b and leaves what they add up to in
// column_sums, and of UpdateColumns. Over-relaxed only if `faster`, and then 0 where half of the iterations
// did not do.
template <typename Rows>
inline int Iterate(const Rows& update_rows, int64_t cols, const float* nu, const float* column_sums, float* b,
                   int max_iterations, float tolerance, bool faster) {
  std::fill(b, b + cols, 1.0f);
  float over = 0, last_change = 0;
  for (int iteration = 1; iteration <= max_iterations; ++iteration) {
    update_rows(over);
    const float change = UpdateColumns(cols, nu, column_sums, over, b);
    if (change < tolerance) return iteration;
    if (iteration == kPlain && faster)
      over = OverRelaxation(change / last_change, change, max_iterations - iteration, tolerance);
    if (over > 0 && iteration > max_iterations / 2) return 0;
    last_change = change;
  }
  return max_iterations;
}

// The same, plainly from the start where the rate was judged too well.
template <typename Rows>
inline int IterateToEnd(const Rows& update_rows, int64_t cols, const float* nu, const float* column_sums,
                        float* b, int max_iterations, float tolerance) {
  for (const bool faster : {true, false}) {
    const int done = Iterate(update_rows, cols, nu, column_sums, b, max_iterations, tolerance, faster);
    if (done > 0) return done;
  }
  return max_iterations;
}
