// Iterations over candidates for vectors of one width; see candidate_transport.h and foreach_simd.h.
#include "network/kernels/transport_steps-inl.h"

inline float Dot(const float* x, const float* y, int64_t count) {
  Vector sums = {};
  int64_t j = 0;
  for (; j + kLanes <= count; j += kLanes) sums += Load(x + j) * Load(y + j);
  float sum = Sum(sums);
  for (; j < count; ++j) sum += x[j] * y[j];
  return sum;
}

inline void FillKernel(const Candidates& c, CandidateSolution& s) {
  const auto size = static_cast<size_t>((c.count() + kLanes - 1) / kLanes * kLanes);
  if (s.kernel.size() < size) s.kernel.resize(size);
  s.bins.resize(static_cast<size_t>(c.rows));
  s.omitted.resize(static_cast<size_t>(c.rows));
  float* const kernel = s.kernel.data();
  int64_t e = 0;
  for (int64_t i = 0; i < c.rows; ++i) {
    float largest = c.bin_score;
    for (int64_t k = e; k < c.ends[i]; ++k) largest = largest < c.scores[k] ? c.scores[k] : largest;
    for (; e < c.ends[i]; ++e) kernel[e] = c.scores[e] - largest;
    s.bins[i] = ExpOfNegative(Vector{} + (c.bin_score - largest))[0];
    s.omitted[i] = c.omitted0[i] * s.bins[i];
  }
  for (; e < static_cast<int64_t>(size); ++e) kernel[e] = 0;
  for (e = 0; e < static_cast<int64_t>(size); e += kLanes) Store(kernel + e, ExpOfNegative(Load(kernel + e)));
}

// a = 1 / (K b) of the rows, and what they add to the column sums; the dustbins' marginals are as many as
// there are keypoints on the other side. omitted_b: what an omitted entry meets on average.
inline void UpdateCandidateRows(const Candidates& c, float omitted_b, float over, CandidateSolution& s,
                                float& omitted_a) {
  const float *const kernel = s.kernel.data(), *const b = s.b.data(), bin_b = b[c.columns];
  const int32_t* const places = c.places.data();
  float* const sums = s.column_sums.data();
  float bin_sum = 0;
  int64_t begin = 0;
  for (int64_t i = 0; i < c.rows; ++i) {
    const int64_t end = c.ends[i];
    float even = s.bins[i] * bin_b + s.omitted[i] * omitted_b, odd = 0;
    int64_t e = begin;
    for (; e + 2 <= end; e += 2) {
      even += kernel[e] * b[places[e]];
      odd += kernel[e + 1] * b[places[e + 1]];
    }
    if (e < end) even += kernel[e] * b[places[e]];
    const float updated = 1 / (even + odd + kTiny);
    const float a = over > 0 ? Beyond(updated, s.a[i], over) : updated;
    s.a[i] = a;
    for (e = begin; e < end; ++e) sums[places[e]] += a * kernel[e];
    bin_sum += a * s.bins[i];
    omitted_a += a * s.omitted[i];
    begin = end;
  }
  sums[c.columns] = bin_sum;
}

inline void SolveCandidates(const Candidates& c, int max_iterations, float tolerance, CandidateSolution& s) {
  const int64_t n = c.rows, m = c.columns;
  FillKernel(c, s);
  s.a.resize(static_cast<size_t>(n + 1));
  s.b.resize(static_cast<size_t>(m + 1));
  s.column_sums.resize(static_cast<size_t>(m + 1));
  s.nu.assign(static_cast<size_t>(m + 1), 1.0f);
  s.nu[m] = static_cast<float>(n);
  float all_omitted = 0;
  for (const float omitted : c.omitted1) all_omitted += omitted;
  const float scale = all_omitted > 0 ? 1 / all_omitted : 0;
  const auto update_rows = [&](float over) {
    std::fill(s.column_sums.begin(), s.column_sums.end(), 0.0f);
    const float omitted_b = scale * Dot(c.omitted1.data(), s.b.data(), m);
    float omitted_a = 0, sum_b = 0;
    UpdateCandidateRows(c, omitted_b, over, s, omitted_a);
    for (const float b : s.b) sum_b += b;
    const float updated = static_cast<float>(m) / (sum_b + kTiny);
    s.a[n] = over > 0 ? Beyond(updated, s.a[n], over) : updated;
    omitted_a *= scale;
    for (int64_t j = 0; j < m; ++j) s.column_sums[j] += s.a[n] + omitted_a * c.omitted1[j];
    s.column_sums[m] += s.a[n];
  };
  IterateToEnd(update_rows, m + 1, s.nu.data(), s.column_sums.data(), s.b.data(), max_iterations, tolerance);
}

// The largest entries of each row and column.
inline void FindBest(const Candidates& c, CandidateSolution& s) {
  s.row_largest.assign(static_cast<size_t>(c.rows), 0.0f);
  s.row_best.assign(static_cast<size_t>(c.rows), -1);
  s.column_largest.assign(static_cast<size_t>(c.columns), 0.0f);
  s.column_best.assign(static_cast<size_t>(c.columns), -1);
  int64_t e = 0;
  for (int64_t i = 0; i < c.rows; ++i) {
    float largest = 0;
    int32_t best = -1;
    for (; e < c.ends[i]; ++e) {
      const int32_t j = c.places[e];
      const float entry = s.kernel[e] * s.a[i] * s.b[j];
      if (entry > largest) {
        largest = entry;
        best = j;
      }
      if (entry > s.column_largest[j]) {
        s.column_largest[j] = entry;
        s.column_best[j] = static_cast<int32_t>(i);
      }
    }
    s.row_largest[i] = largest;
    s.row_best[i] = best;
  }
}
