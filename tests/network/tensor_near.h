// Comparing tensors in tests: a failure says shape, and the largest, mean and median difference.
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace colmatch {

struct Difference {
  double max = 0, mean = 0, median = 0;
};

inline Difference DifferenceOf(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.numel() == 0) return {};
  const auto delta = (a.detach().to(torch::kDouble) - b.detach().to(torch::kDouble)).abs();
  return {delta.max().item<double>(), delta.mean().item<double>(), delta.median().item<double>()};
}

inline testing::AssertionResult TensorsNear(const torch::Tensor& a, const torch::Tensor& b,
                                            double tolerance) {
  if (a.sizes() != b.sizes())
    return testing::AssertionFailure() << "shapes " << a.sizes() << " and " << b.sizes();
  const Difference difference = DifferenceOf(a, b);
  if (difference.max <= tolerance) return testing::AssertionSuccess();  // false for NaN
  return testing::AssertionFailure() << "shape " << a.sizes() << ": max " << difference.max << ", mean "
                                     << difference.mean << ", median " << difference.median << " > "
                                     << tolerance;
}

}  // namespace colmatch
