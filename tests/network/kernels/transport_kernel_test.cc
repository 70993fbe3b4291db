// The ends of optimal transport, every path of this machine, against plain loops in double.
#include "network/kernels/transport_kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "network/kernels/simd.h"
#include "tests/test_seed.h"

namespace colmatch {
namespace {

const std::pair<int64_t, int64_t> kSizes[] = {{1, 1}, {1, 40}, {40, 1}, {3, 15}, {5, 16}, {7, 33}, {64, 48}};

std::vector<float> Uniform(int64_t count, float least, float most) {
  std::uniform_real_distribution<float> uniform(least, most);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = uniform(TestRng());
  return values;
}

TEST(CouplingKernel, IsTheExponentialBelowEachRowsLargest) {
  for (const auto& size : kSizes) {
    const int64_t n = size.first, m = size.second;
    const auto scores = Uniform(n * m, -100, 30);
    for (const float bin : {-90.0f, 2.5f, 40.0f}) {
      for (int lanes = 4; lanes <= simd::BestLanes(); lanes *= 2) {
        std::vector<float> kernel(static_cast<size_t>((n + 1) * (m + 1)), -1.0f);
        CouplingKernelWith(lanes, scores.data(), n, m, bin, kernel.data(), m + 1);
        for (int64_t i = 0; i <= n; ++i) {
          const auto coupling = [&](int64_t j) {
            return i < n && j < m ? scores[static_cast<size_t>(i * m + j)] : bin;
          };
          float largest = bin;
          for (int64_t j = 0; j < m; ++j) largest = std::max(largest, coupling(j));
          for (int64_t j = 0; j <= m; ++j) {
            const double exact = std::exp(static_cast<double>(coupling(j) - largest));
            EXPECT_NEAR(kernel[static_cast<size_t>(i * (m + 1) + j)], exact, 1e-6 * exact + 1e-37)
                << n << " x " << m << ", " << lanes << " lanes, " << i << ' ' << j;
          }
        }
      }
    }
  }
}

TEST(BestEntries, AreThoseOfTheScaledMatrixWithoutItsLastRowAndColumn) {
  for (const auto& size : kSizes) {
    const int64_t n = size.first, m = size.second;
    auto kernel = Uniform((n + 1) * (m + 1), 0, 1);
    for (int64_t i = 0; i <= n; ++i) kernel[static_cast<size_t>(i * (m + 1) + m)] = 100;  // dustbins
    for (int64_t j = 0; j <= m; ++j) kernel[static_cast<size_t>(n * (m + 1) + j)] = 100;
    const auto a = Uniform(n + 1, 0.1f, 9), b = Uniform(m + 1, 0.1f, 9);
    const auto entry = [&](int64_t i, int64_t j) {
      return static_cast<double>(kernel[static_cast<size_t>(i * (m + 1) + j)]) * a[static_cast<size_t>(i)] *
             b[static_cast<size_t>(j)];
    };
    for (int lanes = 4; lanes <= simd::BestLanes(); lanes *= 2) {
      std::vector<float> row_largest(static_cast<size_t>(n));
      std::vector<int32_t> row_best(static_cast<size_t>(n), -1), column_best(static_cast<size_t>(m), -1);
      BestEntriesWith(lanes, kernel.data(), m + 1, n, m, a.data(), b.data(), row_largest.data(),
                      row_best.data(), column_best.data());
      for (int64_t i = 0; i < n; ++i) {
        const int64_t best = row_best[static_cast<size_t>(i)];
        ASSERT_TRUE(best >= 0 && best < m);
        for (int64_t j = 0; j < m; ++j) EXPECT_GE(entry(i, best) * (1 + 1e-6), entry(i, j));
        EXPECT_NEAR(row_largest[static_cast<size_t>(i)], entry(i, best), 1e-6 * entry(i, best));
      }
      for (int64_t j = 0; j < m; ++j) {
        const int64_t best = column_best[static_cast<size_t>(j)];
        ASSERT_TRUE(best >= 0 && best < n);
        for (int64_t i = 0; i < n; ++i) EXPECT_GE(entry(best, j) * (1 + 1e-6), entry(i, j));
      }
    }
  }
}

}  // namespace
}  // namespace colmatch
