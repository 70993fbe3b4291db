// Attention with queries and keys in 8-bit integers, every path of this machine, against doubles.
#include "network/kernels/int8_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "tests/network/kernels/attention_rows.h"
#include "tests/test_seed.h"

namespace colmatch {
namespace {

constexpr double kRounding = 1.0 / 256;  // of a bf16 number, relative

struct Case : AttentionRows {
  using AttentionRows::AttentionRows;

  std::vector<Bf16> Attend(Bf16Path path) const {
    const int64_t d = shape.width;
    std::vector<Bf16> message(static_cast<size_t>(n * stride), Bf16{7});
    Int8Keys keys;
    Int8Values values;
    PackKeys(shape, key.data() + d, stride, keys);
    PackValues(shape, value.data() + d, stride, values);
    AttendInt8(path, shape, query.data() + d, n, stride, keys, values, message.data() + d, stride);
    return message;
  }

  float At(const std::vector<Bf16>& rows, int64_t row, int64_t channel) const {
    return FloatFromBf16(rows[static_cast<size_t>(row * stride + shape.width + channel)]);
  }

  // The head's row, less this vector, as multiples of its largest magnitude's 127th part.
  std::vector<double> Quantized(const std::vector<Bf16>& rows, int64_t row,
                                const std::vector<float>& less) const {
    std::vector<double> values;
    float largest = 0;
    for (int64_t c = 0; c < shape.width; ++c) {
      values.push_back(At(rows, row, c) - less[static_cast<size_t>(c)]);
      largest = std::max(largest, static_cast<float>(std::abs(values.back())));
    }
    for (double& v : values) v = largest > 0 ? std::nearbyint(v * 127 / largest) * largest / 127 : 0;
    return values;
  }

  std::vector<float> MeanOf(const std::vector<Bf16>& rows) const {
    std::vector<float> mean(static_cast<size_t>(shape.width));
    for (int64_t c = 0; c < shape.width; ++c) {
      for (int64_t j = 0; j < shape.keys; ++j) mean[static_cast<size_t>(c)] += At(rows, j, c);
      mean[static_cast<size_t>(c)] /= static_cast<float>(shape.keys);
    }
    return mean;
  }

  // Beside the largest, 1.
  std::vector<double> Weights(int64_t row) const {
    const auto mean = MeanOf(key);
    const auto q = Quantized(query, row, std::vector<float>(mean.size()));
    std::vector<double> products;
    for (int64_t j = 0; j < shape.keys; ++j) {
      const auto k = Quantized(key, j, mean);
      double product = 0;
      for (size_t c = 0; c < q.size(); ++c) product += q[c] * k[c];
      products.push_back(product);
    }
    const double largest = *std::max_element(products.begin(), products.end());
    for (double& p : products) p = std::exp2(p - largest);
    return products;
  }

  struct Message {
    double value, tolerance;
  };

  // The definition: weights are rounded where they meet the values, not where they are summed.
  Message MessageAt(const std::vector<double>& weights, int64_t channel) const {
    const double mean = MeanOf(value)[static_cast<size_t>(channel)];
    std::vector<double> differences;
    double largest = 0, total = 0, sum = 0, size = std::abs(mean);
    for (int64_t j = 0; j < shape.keys; ++j) {
      differences.push_back(At(value, j, channel) - mean);
      largest = std::max(largest, std::abs(differences.back()));
    }
    const double worth = largest / 127;
    for (size_t j = 0; j < differences.size(); ++j) {
      const double code = worth > 0 ? std::nearbyint(differences[j] / worth) : 0;
      total += weights[j];
      sum += std::nearbyint(255 * weights[j]) / 255 * code * worth;
      size += weights[j] * std::abs(differences[j]);
    }
    // The result's rounding, and two weights or values that another rounding takes to the next integer.
    return {mean + sum / total, 2 * kRounding * size + 2 * largest * (1.0 / 255 + 1.0 / 127) / total};
  }
};

TEST(AttendInt8, EveryPathIsTheDefinitionOnTheIntegersWithinTheirRounding) {
  for (const auto& [n, m, d] : {std::tuple<int, int, int>{15, 37, 8},
                                {1, 1, 1},
                                {7, 130, 32},
                                {6, 64, 64},
                                {5, 65, 3},
                                {13, 300, 16},
                                {2, 3, 100}}) {
    const Case c(n, m, d);
    for (const Bf16Path path : Bf16Paths()) {
      const auto message = c.Attend(path);
      for (int64_t r = 0; r < n; ++r) {
        const auto weights = c.Weights(r);
        for (int64_t e = 0; e < d; ++e) {
          const auto exact = c.MessageAt(weights, e);
          EXPECT_NEAR(c.At(message, r, e), exact.value, exact.tolerance)
              << n << ' ' << m << ' ' << d << ' ' << NameOf(path);
        }
        EXPECT_EQ(message[static_cast<size_t>(r * c.stride)], 7) << "another head's";
        EXPECT_EQ(message[static_cast<size_t>(r * c.stride + 2 * d)], 7) << "not written beyond";
      }
    }
  }
}

// Multiples of 1/32 about 0 and about 2 are exact in bf16.
TEST(AttendInt8, WhatAllKeysHaveInCommonCostsNoPrecision) {
  Case c(20, 100, 16);
  std::uniform_int_distribution<int> steps(-32, 32);
  auto moved = c;
  for (size_t i = 0; i < c.key.size(); ++i) {
    const float x = static_cast<float>(steps(TestRng())) / 32;
    c.key[i] = Bf16FromFloat(x);
    moved.key[i] = Bf16FromFloat(x + 2);
  }
  for (const Bf16Path path : Bf16Paths()) {
    const auto expected = c.Attend(path), message = moved.Attend(path);
    for (int64_t r = 0; r < c.n; ++r) {
      for (int64_t e = 0; e < 16; ++e) EXPECT_NEAR(c.At(message, r, e), c.At(expected, r, e), 0.01);
    }
  }
}

// One key has half of the weight, a thousand others, none of which an integer holds, the rest.
TEST(AttendInt8, ManySmallWeightsBesideALargeOneAreNotLost) {
  constexpr int64_t kKeys = 1001, kWidth = 16;
  Case c(1, kKeys, kWidth);
  const auto set = [&](std::vector<Bf16>& rows, int64_t row, int64_t channel, float x) {
    rows[static_cast<size_t>(row * c.stride + kWidth + channel)] = Bf16FromFloat(x);
  };
  for (int64_t e = 0; e < kWidth; ++e) {
    set(c.query, 0, e, e == 0 ? 1.0f : 0.0f);
    for (int64_t j = 0; j < kKeys; ++j) {
      set(c.key, j, e, e == 0 && j == 0 ? 10.0f : 0.0f);
      set(c.value, j, e, (j == 0 ? -2.0f : 3.0f) + c.At(c.value, j, e));
    }
  }
  for (const Bf16Path path : Bf16Paths()) {
    const auto message = c.Attend(path);
    for (int64_t e = 0; e < kWidth; ++e) {
      double exact = 0;
      for (int64_t j = 0; j < kKeys; ++j) exact += c.At(c.value, j, e) * (j == 0 ? 1024.0 : 1.0) / 2024.0;
      EXPECT_NEAR(c.At(message, 0, e), exact, 0.05) << NameOf(path);
    }
  }
}

TEST(AttendInt8, RowsDoNotDependOnTheirNeighbours) {
  const Case c(20, 70, 16);
  for (const Bf16Path path : Bf16Paths()) {
    const auto together = c.Attend(path);
    for (int64_t r = 0; r < c.n; ++r) {
      Case alone = c;
      alone.n = 1;
      std::copy_n(c.query.begin() + r * c.stride, c.stride, alone.query.begin());
      const auto message = alone.Attend(path);
      for (int64_t e = 0; e < 16; ++e) EXPECT_EQ(c.At(message, 0, e), c.At(together, r, e)) << r;
    }
  }
}

}  // namespace
}  // namespace colmatch
