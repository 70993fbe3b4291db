// Ends of optimal transport for vectors of one width; see transport_kernel.h and foreach_simd.h.

// Of count values, and of `least`.
inline float LargestOf(const float* x, int64_t count, float least) {
  Vector maxima = Vector{} + least;
  int64_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    const Vector v = Load(x + j);
    maxima = v > maxima ? v : maxima;
  }
  float largest = Largest(maxima);
  for (; j < count; ++j) largest = largest < x[j] ? x[j] : largest;
  return largest;
}

inline void CouplingKernel(const float* scores, int64_t n, int64_t m, float bin, float* kernel,
                           int64_t stride) {
  const int64_t cols = m + 1;
  float last[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) {
    const float* const row = scores + i * m;
    float* const out = kernel + i * stride;
    const float largest = LargestOf(row, m, bin);
    int64_t j = 0;
    for (; j + kLanes <= m; j += kLanes) Store(out + j, ExpOfNegative(Load(row + j) - largest));
    std::copy(row + j, row + m, last);
    last[m - j] = bin;
    Store(last, ExpOfNegative(Load(last) - largest));
    std::copy_n(last, cols - j, out + j);
  }
  std::fill_n(kernel + n * stride, cols, 1.0f);
}

inline void BestEntries(const float* kernel, int64_t stride, int64_t n, int64_t m, const float* a,
                        const float* b, float* row_largest, int32_t* row_best, int32_t* column_best) {
  const int64_t whole = m / kLanes * kLanes;
  simd::AlignedBuffer buffer(m);
  float* const column_largest = buffer.data();
  std::fill_n(column_largest, m, -1.0f);
  IntVector first_lanes;
  for (int lane = 0; lane < kLanes; ++lane) first_lanes[lane] = lane;
  for (int64_t i = 0; i < n; ++i) {
    const float* const row = kernel + i * stride;
    Vector largest = Vector{} - 1.0f;
    IntVector best = {}, columns = first_lanes;
    for (int64_t j = 0; j < whole; j += kLanes, columns += kLanes) {
      const Vector entry = Load(row + j) * a[i], in_column = Load(column_largest + j);
      const Vector scaled = entry * Load(b + j);
      best = scaled > largest ? columns : best;
      largest = scaled > largest ? scaled : largest;
      IntVector rows;
      std::memcpy(&rows, column_best + j, sizeof rows);
      rows = entry > in_column ? IntVector{} + static_cast<int32_t>(i) : rows;
      std::memcpy(column_best + j, &rows, sizeof rows);
      Store(column_largest + j, entry > in_column ? entry : in_column);
    }
    row_largest[i] = -1;
    for (int lane = 0; lane < kLanes; ++lane) {
      if (whole == 0 || !(largest[lane] > row_largest[i])) continue;
      row_largest[i] = largest[lane];
      row_best[i] = best[lane];
    }
    for (int64_t j = whole; j < m; ++j) {
      const float entry = row[j] * a[i];
      if (entry * b[j] > row_largest[i]) {
        row_largest[i] = entry * b[j];
        row_best[i] = static_cast<int32_t>(j);
      }
      if (entry > column_largest[j]) {
        column_largest[j] = entry;
        column_best[j] = static_cast<int32_t>(i);
      }
    }
  }
}
