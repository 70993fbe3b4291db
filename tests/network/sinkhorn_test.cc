// Optimal transport: marginals, symmetry, gradients, and both solvers against each other.
#include "network/sinkhorn.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <utility>
#include <vector>

#include "tests/gpu_test.h"
#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

const std::vector<std::pair<int64_t, int64_t>> kSizes = {{1, 1}, {1, 7}, {7, 1}, {12, 12}, {30, 17}};

torch::Tensor Scores(int64_t batch, int64_t n, int64_t m) { return 4 * torch::randn({batch, n, m}); }
torch::Tensor Bin() { return torch::tensor(1.5f); }

TEST(Sinkhorn, RowsAndColumnsSumToTheirMarginals) {
  for (const auto& [n, m] : kSizes) {
    const auto assignment = LogSinkhorn(Scores(2, n, m), Bin(), 1000).exp();
    auto rows = torch::ones({2, n + 1}), columns = torch::ones({2, m + 1});
    rows.select(1, n).fill_(m);
    columns.select(1, m).fill_(n);
    EXPECT_TRUE(TensorsNear(assignment.sum(2), rows, 1e-3)) << n << " x " << m;
    EXPECT_TRUE(TensorsNear(assignment.sum(1), columns, 1e-3)) << n << " x " << m;
  }
}

// One keypoint each, scores s and dustbin b: by symmetry P = [[p, 1-p], [1-p, p]] with p / (1-p) = exp((s -
// b) / 2).
TEST(Sinkhorn, OnePairHasAClosedForm) {
  const double s = 2.3, b = 1.5, ratio = std::exp((s - b) / 2);
  const auto assignment = LogSinkhorn(torch::full({1, 1, 1}, s), Bin(), 1000).exp();
  EXPECT_NEAR(assignment[0][0][0].item<double>(), ratio / (1 + ratio), 1e-5);
  EXPECT_NEAR(assignment[0][0][1].item<double>(), 1 / (1 + ratio), 1e-5);
}

TEST(Sinkhorn, SwappingTheImagesTransposesTheAssignment) {
  const auto scores = Scores(2, 20, 13);
  const auto forward = LogSinkhorn(scores, Bin(), 1000);
  const auto swapped = LogSinkhorn(scores.transpose(1, 2), Bin(), 1000);
  EXPECT_TRUE(TensorsNear(forward.exp(), swapped.exp().transpose(1, 2), 1e-4));
}

TEST(Sinkhorn, BatchEqualsSingle) {
  const auto scores = Scores(3, 9, 14);
  const auto batch = LogSinkhorn(scores, Bin(), 50);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(TensorsNear(batch[i], LogSinkhorn(scores.narrow(0, i, 1), Bin(), 50)[0], 1e-5));
  }
}

TEST(Sinkhorn, ScalingAgreesWithTheLogDomain) {
  for (const auto& [n, m] : kSizes) {
    const auto scores = Scores(2, n, m);
    const auto log_domain = LogSinkhorn(scores, Bin(), 100), scaling = ScalingSinkhorn(scores, Bin(), 100);
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

TEST(Sinkhorn, GradientOfTheLogDomainIsThatOfFiniteDifferences) { ExpectGradient(LogSinkhorn); }
TEST(Sinkhorn, GradientOfTheScalingFormIsThatOfFiniteDifferences) { ExpectGradient(ScalingSinkhorn); }

// Probabilities (2 x 3) with their dustbins, as a log assignment.
torch::Tensor LogOf(const std::vector<std::vector<float>>& rows) {
  std::vector<torch::Tensor> tensors;
  for (const auto& row : rows) tensors.push_back(torch::tensor(row));
  return torch::stack(tensors).log();
}

TEST(MatchByTransport, GivesTheMatchesAndScoresOfTheAssignment) {
  for (const auto& [n, m] :
       {std::pair<int64_t, int64_t>{1, 1}, {1, 40}, {40, 1}, {7, 5}, {60, 90}, {130, 33}}) {
    const auto scores = 8 * torch::randn({1, n, m});
    for (const double bin : {-200.0, 3.0, 200.0}) {  // far from the scores the factors leave their range
      const auto bin_score = torch::tensor(static_cast<float>(bin));
      const auto found = MatchByTransport(scores, bin_score, 100, 0.2),
                 expected = MatchesFromLogAssignment(LogSinkhorn(scores, bin_score, 100)[0], 0.2);
      EXPECT_TRUE(torch::equal(found.matches0, expected.matches0)) << n << " x " << m << ' ' << bin;
      EXPECT_TRUE(torch::equal(found.matches1, expected.matches1)) << n << " x " << m << ' ' << bin;
      EXPECT_TRUE(TensorsNear(found.matching_scores0, expected.matching_scores0, 2e-3)) << n << " x " << m;
      EXPECT_TRUE(TensorsNear(found.matching_scores1, expected.matching_scores1, 2e-3)) << n << " x " << m;
    }
  }
}

// As after training: most keypoints have a match that stands out, and the dustbins take the rest.
TEST(SolveTransport, OverRelaxedIterationsEndWherePlainOnesLead) {
  const int64_t n = 150;
  auto scores = torch::randn({1, n, n});
  scores[0].diagonal().narrow(0, 0, 100).add_(12);
  const auto bin = torch::tensor(4.0f);
  const auto expected = LogSinkhorn(scores, bin, 2000).exp();
  EXPECT_TRUE(TensorsNear(SolveTransport(scores, bin, 1000).exp(), expected, 1e-4));
  const auto found = MatchByTransport(scores, bin, 1000, 0.2);
  EXPECT_TRUE(
      TensorsNear(found.matching_scores0.narrow(0, 0, 100), expected[0].diagonal().narrow(0, 0, 100), 1e-4));
}

TEST(SolveTransport, GivesTheMatchesAndValuesOfAHundredLogDomainIterations) {
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{1, 1}, {7, 5}, {60, 90}, {130, 33}}) {
    const auto scores = 8 * torch::randn({2, n, m});
    const auto bin = torch::tensor(3.0f);
    const auto expected = LogSinkhorn(scores, bin, 100), found = SolveTransport(scores, bin, 100);
    EXPECT_TRUE(torch::allclose(found.exp(), expected.exp(), 1e-3, 1e-4)) << n << " x " << m;
    for (int64_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(torch::equal(MatchesFromLogAssignment(found[i], 0.2).matches0,
                               MatchesFromLogAssignment(expected[i], 0.2).matches0));
    }
  }
}

TEST(SolveTransport, HoldsWhateverTheScoresSpan) {
  for (const double scale : {1.0, 20.0, 60.0, 200.0, 2000.0}) {
    const auto scores = scale * torch::randn({1, 120, 90});
    const auto bin = torch::tensor(static_cast<float>(scale));
    const auto expected = LogSinkhorn(scores, bin, 50), found = SolveTransport(scores, bin, 50);
    EXPECT_TRUE(torch::isfinite(found).all().item<bool>()) << "scale " << scale;
    EXPECT_TRUE(torch::allclose(found.exp(), expected.exp(), 1e-3, 1e-3)) << "scale " << scale;
    if (scale > 100) continue;  // the potentials' own rounding decides which of two equal entries is larger
    EXPECT_TRUE(torch::equal(MatchesFromLogAssignment(found[0], 0.2).matches0,
                             MatchesFromLogAssignment(expected[0], 0.2).matches0))
        << "scale " << scale;
  }
}

// The path of GPUs, which doubles take on the CPU.
void ExpectTransportOfLogDomain(const torch::TensorOptions& options) {
  for (const double scale : {1.0, 8.0, 60.0, 500.0}) {
    for (const auto& [n, m] : {std::pair<int64_t, int64_t>{1, 1}, {7, 5}, {130, 33}}) {
      const auto scores = (scale * torch::randn({2, n, m})).to(options);
      for (const double bin : {-200.0, 3.0, 200.0}) {
        const auto bin_score = torch::full({}, bin, options);
        const auto expected = LogSinkhorn(scores, bin_score, 100),
                   found = SolveTransport(scores, bin_score, 100);
        EXPECT_TRUE(TensorsNear(found.exp().cpu(), expected.exp().cpu(), 2e-3))
            << scale << ' ' << n << " x " << m << ' ' << bin;
      }
    }
  }
}

TEST(SolveTransport, OfDoublesIsThatOfLogDomainIterations) { ExpectTransportOfLogDomain(torch::kDouble); }

class TransportOnAGpu : public GpuTest {};

TEST_F(TransportOnAGpu, IsThatOfLogDomainIterations) {
  ExpectTransportOfLogDomain(torch::TensorOptions(torch::kFloat).device(torch::kCUDA));
}

TEST(Matches, AreMutualMaximaAboveTheThreshold) {
  const auto log_assignment =
      LogOf({{0.9f, 0.05f, 0.01f, 0.1f}, {0.8f, 0.1f, 0.02f, 0.1f}, {0.1f, 0.9f, 0.9f, 1.0f}});
  const FeatureMatches matches = MatchesFromLogAssignment(log_assignment, 0.2);
  EXPECT_TRUE(torch::equal(matches.matches0,
                           torch::tensor({int64_t{0}, kUnmatched})));  // 1 prefers 0, which prefers 0
  EXPECT_TRUE(torch::equal(matches.matches1, torch::tensor({int64_t{0}, kUnmatched, kUnmatched})));
  EXPECT_TRUE(TensorsNear(matches.matching_scores0, torch::tensor({0.9f, 0.0f}), 1e-6));
  EXPECT_TRUE(TensorsNear(matches.matching_scores1, torch::tensor({0.9f, 0.0f, 0.0f}), 1e-6));
}

TEST(Matches, RaisingTheThresholdOnlyRemoves) {
  const auto log_assignment = LogSinkhorn(Scores(1, 40, 30), Bin(), 100)[0];
  auto previous = MatchesFromLogAssignment(log_assignment, 0.0).matches0;
  for (const double threshold : {0.2, 0.5, 0.9, 0.999999}) {
    const auto matches = MatchesFromLogAssignment(log_assignment, threshold).matches0;
    EXPECT_TRUE(((matches == previous) | (matches == kUnmatched)).all().item<bool>()) << threshold;
    previous = matches;
  }
  EXPECT_GT((MatchesFromLogAssignment(log_assignment, 0.2).matches0 >= 0).sum().item<int64_t>(), 5);
}

TEST(Matches, NoKeypointsGiveNoMatches) {
  for (const auto& [n, m] : std::vector<std::pair<int64_t, int64_t>>{{0, 0}, {0, 5}, {5, 0}}) {
    const FeatureMatches matches = MatchesFromLogAssignment(torch::zeros({n + 1, m + 1}), 0.2);
    EXPECT_TRUE(torch::equal(matches.matches0, torch::full({n}, kUnmatched, torch::kLong)));
    EXPECT_TRUE(torch::equal(matches.matches1, torch::full({m}, kUnmatched, torch::kLong)));
    EXPECT_EQ(matches.matching_scores0.size(0), n);
    EXPECT_EQ(matches.matching_scores1.size(0), m);
  }
}

}  // namespace
}  // namespace colmatch
