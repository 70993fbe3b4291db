// Optimal transport: marginals, symmetry, gradients, and both solvers against each other.
#include "network/optimal_transport.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <utility>
#include <vector>

#include "network/engines/transport.h"
#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

const std::vector<std::pair<int64_t, int64_t>> kSizes = {{1, 1}, {1, 7}, {7, 1}, {12, 12}, {30, 17}};

torch::Tensor Scores(int64_t batch, int64_t n, int64_t m) { return 4 * torch::randn({batch, n, m}); }
torch::Tensor Bin() { return torch::tensor(1.5f); }

TEST(OptimalTransport, RowsAndColumnsSumToTheirMarginals) {
  for (const auto& [n, m] : kSizes) {
    const auto assignment = LogTransport(Scores(2, n, m), Bin(), 1000).exp();
    auto rows = torch::ones({2, n + 1}), columns = torch::ones({2, m + 1});
    rows.select(1, n).fill_(m);
    columns.select(1, m).fill_(n);
    EXPECT_TRUE(TensorsNear(assignment.sum(2), rows, 1e-3)) << n << " x " << m;
    EXPECT_TRUE(TensorsNear(assignment.sum(1), columns, 1e-3)) << n << " x " << m;
  }
}

// One keypoint each, scores s and dustbin b: by symmetry P = [[p, 1-p], [1-p, p]] with p / (1-p) = exp((s -
// b) / 2).
TEST(OptimalTransport, OnePairHasAClosedForm) {
  const double s = 2.3, b = 1.5, ratio = std::exp((s - b) / 2);
  const auto assignment = LogTransport(torch::full({1, 1, 1}, s), Bin(), 1000).exp();
  EXPECT_NEAR(assignment[0][0][0].item<double>(), ratio / (1 + ratio), 1e-5);
  EXPECT_NEAR(assignment[0][0][1].item<double>(), 1 / (1 + ratio), 1e-5);
}

TEST(OptimalTransport, SwappingTheImagesTransposesTheAssignment) {
  const auto scores = Scores(2, 20, 13);
  const auto forward = LogTransport(scores, Bin(), 1000);
  const auto swapped = LogTransport(scores.transpose(1, 2), Bin(), 1000);
  EXPECT_TRUE(TensorsNear(forward.exp(), swapped.exp().transpose(1, 2), 1e-4));
}

TEST(OptimalTransport, BatchEqualsSingle) {
  const auto scores = Scores(3, 9, 14);
  const auto batch = LogTransport(scores, Bin(), 50);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(TensorsNear(batch[i], LogTransport(scores.narrow(0, i, 1), Bin(), 50)[0], 1e-5));
  }
}

TEST(OptimalTransport, ScalingAgreesWithTheLogDomain) {
  for (const auto& [n, m] : kSizes) {
    const auto scores = Scores(2, n, m);
    const auto log_domain = LogTransport(scores, Bin(), 100), scaling = ScalingTransport(scores, Bin(), 100);
    // Relative 1e-3 of a probability: a hundred products and quotients in float32.
    EXPECT_TRUE(TensorsNear(log_domain, scaling, 1e-3)) << n << " x " << m;
    for (int64_t i = 0; i < 2; ++i) {
      const FeatureMatches a = MatchesFromLogAssignment(log_domain[i], 0.2),
                           b = MatchesFromLogAssignment(scaling[i], 0.2);
      EXPECT_TRUE(torch::equal(a.matches0, b.matches0));
      EXPECT_TRUE(torch::equal(a.matches1, b.matches1));
    }
  }
}

using Solver = torch::Tensor (*)(const torch::Tensor&, const torch::Tensor&, int);

// d loss / d score by central differences, in double, with few iterations: the gradient must be the unrolled
// one's.
void ExpectGradient(Solver solver) {
  const auto options = torch::TensorOptions().dtype(torch::kDouble);
  auto scores = torch::randn({1, 3, 4}, options).set_requires_grad(true);
  auto bin = torch::tensor(0.7, options).set_requires_grad(true);
  const auto weight = torch::randn({1, 4, 5}, options);
  const auto loss = [&](const torch::Tensor& s, const torch::Tensor& b) {
    return (solver(s, b, 7) * weight).sum();
  };
  loss(scores, bin).backward();
  torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-5;
  for (int64_t i = 0; i < scores.numel(); ++i) {
    auto step = torch::zeros_like(scores);
    step.view(-1)[i] = kStep;
    const double numeric =
        ((loss(scores + step, bin) - loss(scores - step, bin)) / (2 * kStep)).item<double>();
    EXPECT_NEAR(scores.grad().view(-1)[i].item<double>(), numeric, 1e-7) << "score " << i;
  }
  const double numeric =
      ((loss(scores, bin + kStep) - loss(scores, bin - kStep)) / (2 * kStep)).item<double>();
  EXPECT_NEAR(bin.grad().item<double>(), numeric, 1e-7);
}

TEST(OptimalTransport, GradientOfTheLogDomainIsThatOfFiniteDifferences) { ExpectGradient(LogTransport); }
TEST(OptimalTransport, GradientOfTheScalingFormIsThatOfFiniteDifferences) {
  ExpectGradient(ScalingTransport);
}

}  // namespace
}  // namespace colmatch
