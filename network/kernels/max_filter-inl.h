// Window maxima for vectors of one width; see max_filter.h and foreach_simd.h.

inline Vector Larger(Vector a, Vector b) { return a < b ? b : a; }

// x[i] = max of x[i .. i + window - 1] for i < count; x has count + window - 1 values, and kLanes of padding.
// Windows double in place: what is read of the right has not been written yet.
inline void SlidingMaximum(float* x, int64_t count, int64_t window) {
  int64_t size = 1;
  for (; 2 * size <= window; size *= 2) {
    for (int64_t i = 0; i < count + window - 2 * size; i += kLanes)
      Store(x + i, Larger(Load(x + i), Load(x + i + size)));
  }
  if (size == window) return;
  for (int64_t i = 0; i < count; i += kLanes) Store(x + i, Larger(Load(x + i), Load(x + i + window - size)));
}

inline void MaxFilterKernel(const float* in, float* out, int64_t height, int64_t width, int64_t radius) {
  const float lowest = std::numeric_limits<float>::lowest();
  std::vector<float> rows(static_cast<size_t>(height * width));
  // A row with what lies outside it, and room for a vector beyond.
  std::vector<float> line(static_cast<size_t>(width + 2 * radius + 2 * kLanes), lowest);
  for (int64_t y = 0; y < height; ++y) {
    std::fill(line.begin(), line.end(), lowest);
    std::copy_n(in + y * width, width, line.data() + radius);
    SlidingMaximum(line.data(), width, 2 * radius + 1);
    std::copy_n(line.data(), width, rows.data() + y * width);
  }
  for (int64_t y = 0; y < height; ++y) {
    const int64_t first = std::max<int64_t>(0, y - radius), last = std::min(height - 1, y + radius);
    float* const row = out + y * width;
    int64_t x = 0;
    for (; x + kLanes <= width; x += kLanes) {
      Vector largest = Load(rows.data() + first * width + x);
      for (int64_t other = first + 1; other <= last; ++other)
        largest = Larger(largest, Load(rows.data() + other * width + x));
      Store(row + x, largest);
    }
    for (; x < width; ++x) {
      float largest = rows[static_cast<size_t>(first * width + x)];
      for (int64_t other = first + 1; other <= last; ++other) {
        const float value = rows[static_cast<size_t>(other * width + x)];
        largest = largest < value ? value : largest;
      }
      row[x] = largest;
    }
  }
}
