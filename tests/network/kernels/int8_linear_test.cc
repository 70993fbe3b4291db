// Tests of the 8-bit linear map: close to the float one, exact where it can be, the same in every kernel.
#include "network/kernels/int8_linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/normal.h"

namespace colmatch {
namespace {

std::vector<float> Exact(const std::vector<float>& weight, const std::vector<float>& bias,
                         const std::vector<float>& x, int64_t rows) {
  const auto outputs = static_cast<int64_t>(bias.size()),
             inputs = static_cast<int64_t>(weight.size()) / outputs;
  std::vector<float> y;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t o = 0; o < outputs; ++o) {
      double sum = bias[static_cast<size_t>(o)];
      for (int64_t i = 0; i < inputs; ++i)
        sum += static_cast<double>(weight[static_cast<size_t>(o * inputs + i)]) *
               x[static_cast<size_t>(r * inputs + i)];
      y.push_back(static_cast<float>(sum));
    }
  }
  return y;
}

TEST(Int8Linear, IsWithinAPercentOfTheFloatMap) {
  for (const auto& [outputs, inputs, rows] :
       {std::tuple<int, int, int>{128, 256, 70}, {33, 5, 3}, {1, 1, 1}}) {
    const auto weight = Normal(outputs * inputs), bias = Normal(outputs), x = Normal(rows * inputs);
    const auto expected = Exact(weight, bias, x, rows);
    std::vector<float> y(expected.size());
    Int8Linear(weight.data(), bias.data(), outputs, inputs).Apply(x.data(), rows, y.data());
    double error = 0, size = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      error += std::pow(y[i] - expected[i], 2);
      size += std::pow(expected[i], 2);
    }
    EXPECT_LT(std::sqrt(error / size), 0.015) << outputs << ' ' << inputs;
  }
}

TEST(Int8Linear, EveryKernelOfThisMachineGivesTheSameBytes) {
  const int64_t outputs = 50, inputs = 131, rows = 77;
  const auto weight = Normal(outputs * inputs), bias = Normal(outputs), x = Normal(rows * inputs);
  Int8Linear linear(weight.data(), bias.data(), outputs, inputs);
  std::vector<float> expected(static_cast<size_t>(rows * outputs));
  linear.UseKernel("portable");
  linear.Apply(x.data(), rows, expected.data());
  for (const std::string& kernel : Int8Linear::Kernels()) {
    std::vector<float> y(expected.size());
    linear.UseKernel(kernel);
    linear.Apply(x.data(), rows, y.data());
    EXPECT_EQ(y, expected) << kernel;
  }
}

TEST(Int8Linear, ExtremeIntegersDoNotOverflow) {
  const int64_t inputs = 4096;
  std::vector<float> weight(static_cast<size_t>(2 * inputs), 1), x(weight.size(), -1), bias = {0, 0};
  std::fill(weight.begin() + inputs, weight.end(), -1.0f);
  Int8Linear linear(weight.data(), bias.data(), 2, inputs);
  for (const std::string& kernel : Int8Linear::Kernels()) {
    std::vector<float> y(4);
    linear.UseKernel(kernel);
    linear.Apply(x.data(), 2, y.data());
    EXPECT_NEAR(y[0], -4096, 0.01) << kernel;
    EXPECT_NEAR(y[1], 4096, 0.01) << kernel;
  }
}

TEST(Int8Linear, ARowOfZerosGivesTheBias) {
  const auto weight = Normal(6 * 8);
  const std::vector<float> bias = {1, 2, 3, 4, 5, 6}, x(8, 0.0f);
  std::vector<float> y(6);
  Int8Linear(weight.data(), bias.data(), 6, 8).Apply(x.data(), 1, y.data());
  EXPECT_EQ(y, bias);
}

TEST(Int8Linear, NotANumberIsNotHidden) {
  const auto weight = Normal(4 * 4);
  const std::vector<float> bias(4), x = {1, std::numeric_limits<float>::infinity(), 0, 1};
  std::vector<float> y(4);
  Int8Linear(weight.data(), bias.data(), 4, 4).Apply(x.data(), 1, y.data());
  for (const float v : y) EXPECT_FALSE(std::isfinite(v));
}

// On rows in bf16, as the layers use it: the same as on the floats they stand for, rounded.
TEST(Int8Linear, RowsInBf16GiveTheFloatResultRounded) {
  const int64_t outputs = 40, inputs = 30, rows = 99, x_stride = 34, y_stride = 70;
  const auto weight = Normal(outputs * inputs), bias = Normal(outputs);
  const Int8Linear linear(weight.data(), bias.data(), outputs, inputs);
  std::vector<float> x = Normal(rows * inputs), y(static_cast<size_t>(rows * outputs));
  std::vector<Bf16> rounded(static_cast<size_t>(rows * x_stride)),
      plain(static_cast<size_t>(rows * y_stride));
  for (int64_t i = 0; i < rows * inputs; ++i) {
    Bf16& value = rounded[static_cast<size_t>(i / inputs * x_stride + i % inputs)];
    value = Bf16FromFloat(x[static_cast<size_t>(i)]);
    x[static_cast<size_t>(i)] = FloatFromBf16(value);
  }
  linear.Apply(x.data(), rows, y.data());
  auto relu = plain, added = plain;
  std::vector<float> sums(static_cast<size_t>(rows * Int8Linear::PaddedOutputs(outputs)), 3.0f);
  linear.Apply(rounded.data(), x_stride, rows, plain.data(), y_stride);
  linear.ApplyRelu(rounded.data(), x_stride, rows, relu.data(), y_stride);
  linear.Add(rounded.data(), x_stride, rows, sums.data(), added.data(), y_stride);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t o = 0; o < outputs; ++o) {
      const float exact = y[static_cast<size_t>(r * outputs + o)];
      const auto i = static_cast<size_t>(r * y_stride + o);
      EXPECT_EQ(plain[i], Bf16FromFloat(exact));
      EXPECT_EQ(relu[i], Bf16FromFloat(std::max(0.0f, exact)));
      const auto sum = static_cast<size_t>(r * Int8Linear::PaddedOutputs(outputs) + o);
      EXPECT_EQ(sums[sum], 3 + exact);
      EXPECT_EQ(added[i], Bf16FromFloat(sums[sum]));
    }
  }
}

TEST(Int8Linear, RowsDoNotDependOnTheirNeighbours) {
  const int64_t outputs = 20, inputs = 32, rows = 65;
  const auto weight = Normal(outputs * inputs), bias = Normal(outputs), x = Normal(rows * inputs);
  const Int8Linear linear(weight.data(), bias.data(), outputs, inputs);
  std::vector<float> together(static_cast<size_t>(rows * outputs)), alone(static_cast<size_t>(outputs));
  linear.Apply(x.data(), rows, together.data());
  for (int64_t r = 0; r < rows; ++r) {
    linear.Apply(x.data() + r * inputs, 1, alone.data());
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + r * outputs)) << r;
  }
}

}  // namespace
}  // namespace colmatch
