// Scaling iterations; see scaling_kernel.h.
#include "network/scaling_kernel.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace colmatch {
namespace {

constexpr float kTiny = 1e-30f;  // keeps a row or column that nothing reaches finite
constexpr int64_t kLanes = 16;   // independent partial sums, so that the compiler may use vectors

float Dot(const float* x, const float* y, int64_t count) {
  float sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += x[i + lane] * y[i + lane];
  }
  float sum = 0;
  for (; i < count; ++i) sum += x[i] * y[i];
  for (const float partial : sums) sum += partial;
  return sum;
}

void AddScaled(float* __restrict out, const float* __restrict x, float factor, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] += factor * x[i];
}

}  // namespace

int ScalingIterations(const float* kernel, int64_t rows, int64_t cols, const float* mu, const float* nu,
                      float* a, float* b, int max_iterations, float tolerance) {
  std::fill(b, b + cols, 1.0f);
  std::vector<float> column_sums(static_cast<size_t>(cols));
  for (int iteration = 1; iteration <= max_iterations; ++iteration) {
    std::fill(column_sums.begin(), column_sums.end(), 0.0f);
    for (int64_t i = 0; i < rows; ++i) {
      const float* row = kernel + i * cols;
      a[i] = mu[i] / (Dot(row, b, cols) + kTiny);
      AddScaled(column_sums.data(), row, a[i], cols);
    }
    float change = 0;
    for (int64_t j = 0; j < cols; ++j) {
      const float updated = nu[j] / (column_sums[static_cast<size_t>(j)] + kTiny);
      change = std::max(change, std::abs(updated - b[j]) / updated);
      b[j] = updated;
    }
    if (change < tolerance) return iteration;
  }
  return max_iterations;
}

}  // namespace colmatch
