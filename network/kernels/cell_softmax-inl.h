// Dense scores for vectors of one width; see cell_softmax.h and foreach_simd.h.

inline void CellSoftmaxRows(const float* cells, int64_t width, int64_t first, int64_t last, float* scores) {
  constexpr int64_t kSide = 8, kPixels = kSide * kSide, kLogits = kPixels + 1;
  constexpr int64_t kVectors = kPixels / kLanes;
  for (int64_t y = first; y < last; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const float* const logits = cells + (y * width + x) * kLogits;
      Vector largest = Load(logits);
      for (int64_t v = 1; v < kVectors; ++v) {
        const Vector other = Load(logits + v * kLanes);
        largest = largest < other ? other : largest;
      }
      const float top = std::max(Largest(largest), logits[kPixels]);
      Vector powers[kVectors], sums{};
      for (int64_t v = 0; v < kVectors; ++v) {
        powers[v] = ExpOfNegative(Load(logits + v * kLanes) - top);
        sums += powers[v];
      }
      const float none = ExpOfNegative(Vector{} + (logits[kPixels] - top))[0];
      const float share = 1 / (Sum(sums) + none);
      float probabilities[kPixels];
      for (int64_t v = 0; v < kVectors; ++v) Store(probabilities + v * kLanes, powers[v] * share);
      for (int64_t row = 0; row < kSide; ++row)
        std::copy_n(probabilities + row * kSide, kSide, scores + ((y * kSide + row) * width + x) * kSide);
    }
  }
}
