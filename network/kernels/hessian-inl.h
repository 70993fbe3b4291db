// The determinant of the Hessian for vectors of one width; see hessian.h and foreach_simd.h.

// Rows on their way through the filters: as many as the next result needs stay, in rings.
class HessianRing {
 public:
  explicit HessianRing(const HessianCall& call)
      : c_(call),
        size_(2 * call.radius + 1),
        stride_((call.width + 2 + 2 * kLanes) / kLanes * kLanes),
        line_(call.width + 2 * call.radius + 2 * kLanes),
        along_(size_ * stride_),
        smooth_(kSmoothRows * stride_) {}

  void Run(int64_t first, int64_t last) {
    int64_t filtered = std::max<int64_t>(0, first - 1 - c_.radius);         // the next row to filter along x
    for (int64_t y = std::max<int64_t>(0, first - 1); y < last + 1; ++y) {  // the next smooth row
      if (y < c_.height) {
        for (; filtered <= std::min(c_.height - 1, y + c_.radius); ++filtered) FilterAlongRow(filtered);
        FilterAcrossRows(y);
      }
      if (y > first) Determinant(y - 1);
    }
  }

 private:
  static constexpr int64_t kSmoothRows = 3;

  int64_t Clamped(int64_t y) const { return std::clamp<int64_t>(y, 0, c_.height - 1); }
  float* Along(int64_t y) { return along_.data() + y % size_ * stride_; }
  float* Smooth(int64_t y) { return smooth_.data() + y % kSmoothRows * stride_; }

  void FilterAlongRow(int64_t y) {
    const float* const row = c_.in + y * c_.width;
    float* const line = line_.data();
    std::fill_n(line, c_.radius, row[0]);
    std::copy_n(row, c_.width, line + c_.radius);
    std::fill_n(line + c_.radius + c_.width, c_.radius, row[c_.width - 1]);
    float* const out = Along(y);
    for (int64_t x = 0; x < c_.width; x += kLanes) {
      Vector sum{};
      for (int64_t k = 0; k < size_; ++k) sum += c_.weights[k] * Load(line + x + k);
      Store(out + x, sum);
    }
  }

  // Pixel x stands at x + 1; the first and the last are repeated beside.
  void FilterAcrossRows(int64_t y) {
    float* const out = Smooth(y) + 1;
    for (int64_t x = 0; x < c_.width; x += kLanes) {
      Vector sum{};
      for (int64_t k = 0; k < size_; ++k) sum += c_.weights[k] * Load(Along(Clamped(y + k - c_.radius)) + x);
      Store(out + x, sum);
    }
    out[-1] = out[0];
    out[c_.width] = out[c_.width - 1];
  }

  void Determinant(int64_t y) {
    const float *const above = Smooth(Clamped(y - 1)), *const row = Smooth(y),
                       *const below = Smooth(Clamped(y + 1));
    float* const out = c_.out + y * c_.width;
    for (int64_t x = 0; x < c_.width; x += kLanes) {
      const Vector middle = Load(row + x + 1);
      const Vector dxx = Load(row + x) + Load(row + x + 2) - 2.0f * middle;
      const Vector dyy = Load(above + x + 1) + Load(below + x + 1) - 2.0f * middle;
      const Vector dxy =
          0.25f * (Load(below + x + 2) + Load(above + x) - Load(below + x) - Load(above + x + 2));
      const Vector determinant = dxx * dyy - dxy * dxy;
      const Vector result = determinant < 0 ? -determinant : determinant;
      if (x + kLanes <= c_.width) {
        Store(out + x, result);
      } else {
        for (int64_t rest = x; rest < c_.width; ++rest) out[rest] = result[rest - x];
      }
    }
  }

  const HessianCall& c_;
  int64_t size_, stride_;
  simd::AlignedBuffer line_, along_, smooth_;
};

inline void HessianRows(const HessianCall& call, int64_t first, int64_t last) {
  HessianRing(call).Run(first, last);
}
