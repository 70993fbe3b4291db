// bf16 kernels, every path of this machine: rounding, linear maps and attention against doubles.
#include "network/kernels/bf16.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "network/kernels/bf16_attention.h"
#include "network/kernels/bf16_linear.h"
#include "tests/network/kernels/attention_rows.h"
#include "tests/normal.h"
#include "tests/test_seed.h"

namespace colmatch {
namespace {

constexpr double kRounding = 1.0 / 256;  // of a bf16 number, relative: 8 bits of mantissa

double At(const std::vector<Bf16>& values, int64_t i) {
  return FloatFromBf16(values[static_cast<size_t>(i)]);
}

TEST(Bf16, RoundsToTheNearestTiesToEven) {
  const float ulp = 1.0f / 128;  // above 1
  EXPECT_EQ(FloatFromBf16(Bf16FromFloat(1 + ulp)), 1 + ulp);
  EXPECT_EQ(FloatFromBf16(Bf16FromFloat(1 + 0.49f * ulp)), 1);
  EXPECT_EQ(FloatFromBf16(Bf16FromFloat(1 + 0.51f * ulp)), 1 + ulp);
  EXPECT_EQ(FloatFromBf16(Bf16FromFloat(1 + 0.5f * ulp)), 1);
  EXPECT_EQ(FloatFromBf16(Bf16FromFloat(-1 - 1.5f * ulp)), -1 - 2 * ulp);
}

TEST(Bf16, KeepsZeroInfinityAndNotANumber) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(FloatFromBf16(Bf16FromFloat(0)), 0);
  EXPECT_EQ(FloatFromBf16(Bf16FromFloat(-infinity)), -infinity);
  EXPECT_EQ(FloatFromBf16(Bf16FromFloat(std::numeric_limits<float>::max())), infinity);
  EXPECT_TRUE(std::isnan(FloatFromBf16(Bf16FromFloat(std::nanf("")))));
}

// outputs, inputs, rows
const std::tuple<int, int, int> kShapes[] = {
    {128, 64, 30}, {33, 5, 3}, {1, 1, 1}, {70, 257, 13}, {32, 2, 12}};

struct LinearCase {
  LinearCase(int64_t outputs, int64_t inputs, int64_t rows)
      : weight(Normal(outputs * inputs)),
        bias(Normal(outputs)),
        x_stride(Bf16Linear::PaddedInputs(inputs) + 2),
        y_stride(Bf16Linear::PaddedOutputs(outputs) + 3),
        x(Rounded(Normal(rows * x_stride))),
        y(static_cast<size_t>(rows * y_stride), Bf16{7}),
        linear(weight.data(), bias.data(), outputs, inputs) {}

  double Exact(int64_t row, int64_t output) const {
    double sum = bias[static_cast<size_t>(output)];
    for (int64_t i = 0; i < linear.inputs(); ++i)
      sum += FloatFromBf16(Bf16FromFloat(weight[static_cast<size_t>(output * linear.inputs() + i)])) *
             At(x, row * x_stride + i);
    return sum;
  }

  std::vector<float> weight, bias;
  int64_t x_stride, y_stride;
  std::vector<Bf16> x, y;
  Bf16Linear linear;
};

TEST(Bf16Linear, EveryPathIsTheExactMapOfTheRoundedNumbersRounded) {
  for (const auto& [outputs, inputs, rows] : kShapes) {
    LinearCase c(outputs, inputs, rows);
    for (const Bf16Path path : Bf16Paths()) {
      c.linear.UsePath(path);
      c.linear.Apply(c.x.data(), c.x_stride, rows, c.y.data(), c.y_stride);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t o = 0; o < outputs; ++o) {
          const double exact = c.Exact(r, o);
          EXPECT_NEAR(At(c.y, r * c.y_stride + o), exact, kRounding * std::abs(exact) + 1e-4)
              << outputs << ' ' << inputs << ' ' << static_cast<int>(path);
        }
        for (int64_t o = outputs; o < Bf16Linear::PaddedOutputs(outputs); ++o)
          EXPECT_EQ(At(c.y, r * c.y_stride + o), 0) << "padding";
        EXPECT_EQ(c.y[static_cast<size_t>((r + 1) * c.y_stride - 1)], 7) << "not written beyond";
      }
    }
  }
}

TEST(Bf16Linear, ReluSetsWhatIsNegativeTo0AndNothingElse) {
  LinearCase c(40, 30, 15);
  for (const Bf16Path path : Bf16Paths()) {
    c.linear.UsePath(path);
    c.linear.Apply(c.x.data(), c.x_stride, 15, c.y.data(), c.y_stride);
    auto positive = c.y;
    c.linear.ApplyRelu(c.x.data(), c.x_stride, 15, positive.data(), c.y_stride);
    for (int64_t r = 0; r < 15; ++r) {
      for (int64_t o = 0; o < 40; ++o) {
        const int64_t i = r * c.y_stride + o;
        EXPECT_EQ(At(positive, i), std::max(0.0, At(c.y, i)));
      }
    }
  }
}

TEST(Bf16Linear, AddKeepsTheSumsInFloat32) {
  LinearCase c(40, 30, 15);
  const int64_t padded = Bf16Linear::PaddedOutputs(40);
  const auto start = Normal(15 * padded);
  for (const Bf16Path path : Bf16Paths()) {
    c.linear.UsePath(path);
    auto sums = start;
    c.linear.Add(c.x.data(), c.x_stride, 15, sums.data(), c.y.data(), c.y_stride);
    for (int64_t r = 0; r < 15; ++r) {
      for (int64_t o = 0; o < 40; ++o) {
        const auto i = static_cast<size_t>(r * padded + o);
        EXPECT_NEAR(sums[i], start[i] + c.Exact(r, o), 1e-4);
        EXPECT_EQ(c.y[static_cast<size_t>(r * c.y_stride + o)], Bf16FromFloat(sums[i]));
      }
    }
  }
}

TEST(Bf16Linear, RowsDoNotDependOnTheirNeighbours) {
  LinearCase c(33, 20, 31);
  for (const Bf16Path path : Bf16Paths()) {
    c.linear.UsePath(path);
    c.linear.Apply(c.x.data(), c.x_stride, 31, c.y.data(), c.y_stride);
    std::vector<Bf16> alone(static_cast<size_t>(c.y_stride));
    for (int64_t r = 0; r < 31; ++r) {
      c.linear.Apply(c.x.data() + r * c.x_stride, c.x_stride, 1, alone.data(), c.y_stride);
      EXPECT_TRUE(std::equal(alone.begin(), alone.begin() + 33, c.y.begin() + r * c.y_stride)) << r;
    }
  }
}

// Attention as it is defined.
struct AttentionCase : AttentionRows {
  using AttentionRows::AttentionRows;

  std::vector<Bf16> Attend(Bf16Path path) const {
    std::vector<Bf16> keys(static_cast<size_t>(shape.PackedKeys())),
        values(static_cast<size_t>(shape.PackedValues())), message(static_cast<size_t>(n * stride), Bf16{7});
    const int64_t d = shape.width;
    const float longest = PackKeys(shape, key.data() + d, stride, keys.data());
    PackValues(shape, value.data() + d, stride, values.data());
    AttendBf16(path, shape, query.data() + d, n, stride, keys.data(), longest, values.data(),
               message.data() + d, stride);
    return message;
  }

  std::vector<double> Weights(int64_t row) const {
    std::vector<double> weights;
    double largest = -1e30, sum = 0;
    for (int64_t j = 0; j < shape.keys; ++j) {
      double product = 0;
      for (int64_t c = shape.width; c < 2 * shape.width; ++c)
        product += At(query, row * stride + c) * At(key, j * stride + c);
      weights.push_back(product);
      largest = std::max(largest, product);
    }
    for (double& w : weights) sum += w = std::exp2(w - largest);
    for (double& w : weights) w /= sum;
    return weights;
  }
};

TEST(AttendBf16, EveryPathIsTheDefinitionWithinTheRoundingOfWeightsAndResult) {
  for (const auto& [n, m, d] : {std::tuple<int, int, int>{15, 37, 8},
                                {1, 1, 1},
                                {7, 130, 32},
                                {6, 64, 64},
                                {5, 65, 3},
                                {13, 700, 16},
                                {40, 256, 48},
                                {33, 513, 16},
                                {2, 3, 100}}) {
    const AttentionCase c(n, m, d);
    for (const Bf16Path path : Bf16Paths()) {
      const auto message = c.Attend(path);
      for (int64_t r = 0; r < n; ++r) {
        const auto weights = c.Weights(r);
        for (int64_t e = d; e < 2 * d; ++e) {
          double exact = 0, size = 0;
          for (int64_t j = 0; j < m; ++j) {
            exact += weights[static_cast<size_t>(j)] * At(c.value, j * c.stride + e);
            size += weights[static_cast<size_t>(j)] * std::abs(At(c.value, j * c.stride + e));
          }
          EXPECT_NEAR(At(message, r * c.stride + e), exact, 2 * kRounding * size)
              << n << ' ' << m << ' ' << d << ' ' << static_cast<int>(path);
        }
        EXPECT_EQ(message[static_cast<size_t>(r * c.stride)], 7) << "another head's";
        EXPECT_EQ(message[static_cast<size_t>(r * c.stride + 2 * d)], 7) << "not written beyond";
      }
    }
  }
}

TEST(ProductsBf16, EveryPathIsTheDotProductsAndWritesNothingBesideThem) {
  const int64_t n = 13, m = 70, d = 37, stride = 40, out_stride = m + 3;
  std::vector<Bf16> queries(static_cast<size_t>(n * stride)), keys(static_cast<size_t>(m * stride));
  std::normal_distribution<float> normal;
  for (auto* values : {&queries, &keys})
    for (Bf16& value : *values) value = Bf16FromFloat(normal(TestRng()));
  const Bf16HeadShape shape{m, d};
  std::vector<Bf16> packed(static_cast<size_t>(shape.PackedKeys()));
  PackKeys(shape, keys.data(), stride, packed.data());
  for (int64_t i = 0; i < n; ++i) queries[static_cast<size_t>(i * stride + d)] = 0;  // read, as d is odd
  for (const Bf16Path path : Bf16Paths()) {
    std::vector<float> products(static_cast<size_t>(n * out_stride), -7.0f);
    ProductsBf16(path, shape, queries.data(), n, stride, packed.data(), products.data(), out_stride);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < out_stride; ++j) {
        double exact = j < m ? 0 : -7;
        for (int64_t c = 0; c < d && j < m; ++c)
          exact += FloatFromBf16(queries[static_cast<size_t>(i * stride + c)]) *
                   FloatFromBf16(keys[static_cast<size_t>(j * stride + c)]);
        EXPECT_NEAR(products[static_cast<size_t>(i * out_stride + j)], exact, 1e-4) << i << ' ' << j;
      }
    }
  }
}

// One query, 1, and keys of one channel: the same message on every path.
void ExpectMessage(const std::vector<float>& keys, const std::vector<float>& values, double expected,
                   double tolerance) {
  const std::vector<Bf16> query = Rounded({1, 0}), key = Rounded(keys), value = Rounded(values);
  const Bf16HeadShape shape{static_cast<int64_t>(keys.size()), 1};
  std::vector<Bf16> packed_keys(static_cast<size_t>(shape.PackedKeys())),
      packed_values(static_cast<size_t>(shape.PackedValues()));
  const float longest = PackKeys(shape, key.data(), 1, packed_keys.data());
  PackValues(shape, value.data(), 1, packed_values.data());
  for (const Bf16Path path : Bf16Paths()) {
    Bf16 message = 0;
    AttendBf16(path, shape, query.data(), 1, 2, packed_keys.data(), longest, packed_values.data(), &message,
               1);
    EXPECT_NEAR(FloatFromBf16(message), expected, tolerance) << NameOf(path);
  }
}

TEST(AttendBf16, AKeyFarBelowTheBestHasNoPart) {
  ExpectMessage({-1000, 3, -2000, 3}, {7e30f, 1, 7e30f, 2}, 1.5, 1e-6);
}

// The bound of the products, 400, is far above the largest of them.
TEST(AttendBf16, ProductsFarBelowTheirBoundAreStillToldApart) {
  ExpectMessage({-400, 3, 3, 2}, {9, 1, 2, 4}, (1 + 2 + 4 / 2.0) / 2.5, 0.01);
}

// What pads the keys has products of 0, which are none of them.
TEST(AttendBf16, KeysThatAreAllFarBelowZeroAreStillToldApart) {
  ExpectMessage({-200, -201, -300}, {4, 1, 9}, 3, 0.02);
}

}  // namespace
}  // namespace colmatch
