// Attention without gradients goes block by block: the same numbers as in one piece.
#include "network/attention.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <vector>

#include "network/softmax_kernel.h"
#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

TEST(Attention, InBlocksAgreesWithInOnePiece) {
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{1, 1}, {7, 3}, {3, 700}, {1000, 17}, {513, 1025}}) {
    const auto query = 5 * torch::randn({2, 4, n, 8}), key = torch::randn({2, 4, m, 8}),
               value = torch::randn({2, 4, m, 8});
    const auto whole = Attention(query, key, value);
    torch::NoGradGuard no_grad;
    EXPECT_TRUE(TensorsNear(Attention(query, key, value), whole, 1e-5)) << n << " x " << m;
  }
}

TEST(Attention, TakesHeadsThatAreInterleavedInMemory) {
  const auto interleaved = [](int64_t n) { return torch::randn({1, n, 8, 4}).permute({0, 3, 1, 2}); };
  const auto query = interleaved(40), key = interleaved(50), value = interleaved(50);
  const auto whole = Attention(query, key, value);
  torch::NoGradGuard no_grad;
  EXPECT_TRUE(TensorsNear(Attention(query, key, value), whole, 2e-6));
}

TEST(Attention, GradientsReachAllThree) {
  auto query = torch::randn({1, 2, 5, 4}, torch::requires_grad()),
       key = torch::randn({1, 2, 6, 4}, torch::requires_grad()),
       value = torch::randn({1, 2, 6, 4}, torch::requires_grad());
  Attention(query, key, value).square().sum().backward();
  for (const auto& t : {query, key, value}) EXPECT_GT(t.grad().abs().max().item<double>(), 0);
}

TEST(ExponentiateRow, AgreesWithTheLibraryAtEveryLengthAndMagnitude) {
  for (const int64_t count : {1, 2, 15, 16, 17, 33, 1000}) {
    for (const double scale : {0.1, 5.0, 40.0}) {
      const auto x = scale * torch::randn({count});
      const auto expected = torch::exp((x - x.max()).to(torch::kDouble));
      auto row = x.clone();
      const float sum = ExponentiateRow(row.data_ptr<float>(), count);
      EXPECT_NEAR(sum, expected.sum().item<double>(), 1e-6 * expected.sum().item<double>());
      EXPECT_TRUE(TensorsNear(row.to(torch::kDouble), expected, 3e-7)) << count << ", scale " << scale;
    }
  }
}

TEST(ExponentiateRow, WhatIsFarBelowTheLargestIsZero) {
  std::vector<float> row = {-1000, 3, -INFINITY, 3};
  EXPECT_FLOAT_EQ(ExponentiateRow(row.data(), 4), 2);
  EXPECT_EQ(row, (std::vector<float>{0, 1, 0, 1}));
}

}  // namespace
}  // namespace colmatch
