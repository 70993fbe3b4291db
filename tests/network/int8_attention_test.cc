// Attention with queries and keys in 8-bit integers, every path of this machine, against doubles.
#include "network/int8_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "tests/test_seed.h"

namespace colmatch {
namespace {

constexpr double kRounding = 1.0 / 256;  // of a bf16 number, relative

// Head 1 of 2 whose rows lie beside each other.
struct Case {
  Case(int64_t queries, int64_t keys, int64_t width) : n(queries), shape{keys, width}, stride(2 * width + 2) {
    for (auto* values : {&query, &key, &value}) {
      std::normal_distribution<float> normal;
      for (int64_t i = 0; i < std::max(n, keys) * stride; ++i)
        values->push_back(Bf16FromFloat(normal(TestRng())));
    }
  }

  std::vector<Bf16> Attend(Bf16Path path) const {
    const int64_t d = shape.width;
    std::vector<Bf16> values(static_cast<size_t>(shape.PackedValues())),
        message(static_cast<size_t>(n * stride), Bf16{7});
    Int8Keys keys;
    PackKeys(shape, key.data() + d, stride, keys);
    PackValues(shape, value.data() + d, stride, values.data());
    AttendInt8(path, shape, query.data() + d, n, stride, keys, values.data(), message.data() + d, stride);
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

  std::vector<float> KeyMean() const {
    std::vector<float> mean(static_cast<size_t>(shape.width));
    for (int64_t c = 0; c < shape.width; ++c) {
      for (int64_t j = 0; j < shape.keys; ++j) mean[static_cast<size_t>(c)] += At(key, j, c);
      mean[static_cast<size_t>(c)] /= static_cast<float>(shape.keys);
    }
    return mean;
  }

  std::vector<double> Weights(int64_t row) const {
    const auto mean = KeyMean();
    const auto q = Quantized(query, row, std::vector<float>(mean.size()));
    std::vector<double> weights;
    double sum = 0;
    for (int64_t j = 0; j < shape.keys; ++j) {
      const auto k = Quantized(key, j, mean);
      double product = 0;
      for (size_t c = 0; c < q.size(); ++c) product += q[c] * k[c];
      weights.push_back(std::exp2(product));
      sum += weights.back();
    }
    for (double& w : weights) w /= sum;
    return weights;
  }

  int64_t n;
  Bf16HeadShape shape;
  int64_t stride;
  std::vector<Bf16> query, key, value;
};

TEST(AttendInt8, EveryPathIsTheDefinitionOnTheIntegersWithinTheRoundingOfWeightsAndResult) {
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
          double exact = 0, size = 0;
          for (int64_t j = 0; j < m; ++j) {
            exact += weights[static_cast<size_t>(j)] * c.At(c.value, j, e);
            size += weights[static_cast<size_t>(j)] * std::abs(c.At(c.value, j, e));
          }
          EXPECT_NEAR(c.At(message, r, e), exact, 2 * kRounding * size)
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
