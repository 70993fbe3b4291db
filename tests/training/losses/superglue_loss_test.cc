// Tests of SuperGlue's loss: a value by hand, gradients against finite differences, what must not matter.
#include "training/losses/superglue_loss.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "network/features.h"
#include "network/optimal_transport.h"
#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

torch::Tensor Labels(const std::vector<int64_t>& values) {
  return torch::tensor(values, torch::kLong).unsqueeze(0);
}

// Derivative of f at x along a random direction: central difference in double against the gradient.
void ExpectGradientIsTheDerivative(const std::function<torch::Tensor(const torch::Tensor&)>& f,
                                   torch::Tensor x) {
  x = x.to(torch::kDouble).requires_grad_(true);
  f(x).backward();
  torch::NoGradGuard no_grad;
  for (int trial = 0; trial < 5; ++trial) {
    const auto direction = torch::randn_like(x);
    constexpr double kStep = 1e-5;
    const double difference =
        (f(x + kStep * direction) - f(x - kStep * direction)).item<double>() / (2 * kStep);
    const double derivative = (x.grad() * direction).sum().item<double>();
    EXPECT_NEAR(derivative, difference, 1e-7 * (1 + std::abs(difference))) << "trial " << trial;
  }
}

const auto kLabels0 = std::vector<int64_t>{2, kUnmatched, 0, kIgnored};
const auto kLabels1 = std::vector<int64_t>{2, kIgnored, 0, kUnmatched, kUnmatched};

TEST(AssignmentLoss, OfThePerfectAssignmentIsZero) {
  auto assignment = torch::full({1, 5, 6}, -20.0);
  for (const auto& [i, j] : {std::pair<int, int>{0, 2}, {2, 0}, {1, 5}, {4, 3}, {4, 4}})
    assignment[0][i][j] = 0;
  EXPECT_NEAR(AssignmentLoss(assignment, Labels(kLabels0), Labels(kLabels1)).item<double>(), 0, 1e-12);
}

TEST(AssignmentLoss, IsTheMeanOverMatchedPlusTheMeanOverUnmatchedHalfEach) {
  auto assignment = torch::full({1, 3, 3}, -9.0);
  assignment[0][0][1] = -0.5;  // keypoint 0 matches 1
  assignment[0][1][2] = -2.0;  // keypoint 1 in the dustbin
  assignment[0][2][0] = -4.0;  // keypoint 0 of image 1 in the dustbin
  const auto labels0 = Labels({1, kUnmatched}), labels1 = Labels({kUnmatched, 0});
  EXPECT_NEAR(AssignmentLoss(assignment, labels0, labels1).item<double>(), 0.5 * 0.5 + 0.5 * (2 + 4) / 2,
              1e-6);
  EXPECT_NEAR(AssignmentLoss(assignment, labels0, labels1, 0.8).item<double>(), 0.8 * 0.5 + 0.2 * (2 + 4) / 2,
              1e-6);
}

TEST(AssignmentLoss, GradientThroughBothSinkhornsIsTheDerivative) {
  const auto bin = torch::tensor(0.3, torch::kDouble);
  ExpectGradientIsTheDerivative(
      [&](const torch::Tensor& s) {
        return AssignmentLoss(LogTransport(s, bin, 20), Labels(kLabels0), Labels(kLabels1));
      },
      torch::randn({1, 4, 5}));
  ExpectGradientIsTheDerivative(
      [&](const torch::Tensor& s) {
        return AssignmentLoss(ScalingTransport(s, bin, 20), Labels(kLabels0), Labels(kLabels1));
      },
      torch::randn({1, 4, 5}));
}

TEST(AssignmentLoss, GradientOfTheDustbinScoreIsTheDerivative) {
  const auto scores = torch::randn({1, 4, 5}, torch::kDouble);
  ExpectGradientIsTheDerivative(
      [&](const torch::Tensor& bin) {
        return AssignmentLoss(ScalingTransport(scores, bin, 20), Labels(kLabels0), Labels(kLabels1));
      },
      torch::tensor(0.7));
}

TEST(AssignmentLoss, IgnoredKeypointsHaveNoInfluence) {
  const auto assignment = torch::randn({1, 5, 6}).requires_grad_(true);
  AssignmentLoss(assignment, Labels(kLabels0), Labels(kLabels1)).backward();
  const auto gradient = assignment.grad()[0];
  EXPECT_EQ(gradient[3].abs().sum().item<double>(), 0) << "row of the ignored keypoint of image 0";
  EXPECT_EQ(gradient.select(1, 1).abs().sum().item<double>(), 0)
      << "column of the ignored keypoint of image 1";
  EXPECT_NE(gradient[0][2].item<double>(), 0);
  EXPECT_NE(gradient[1][5].item<double>(), 0);
  EXPECT_NE(gradient[4][3].item<double>(), 0);
}

TEST(AssignmentLoss, WithoutMatchesOrWithoutAnyLabelItIsFinite) {
  const auto assignment = torch::full({1, 3, 3}, -1.5);
  const auto unmatched = Labels({kUnmatched, kUnmatched}), ignored = Labels({kIgnored, kIgnored});
  EXPECT_NEAR(AssignmentLoss(assignment, unmatched, unmatched).item<double>(), 0.75, 1e-6);
  EXPECT_EQ(AssignmentLoss(assignment, ignored, ignored).item<double>(), 0);
}

TEST(AssignmentLoss, OfABatchOfTwinsIsThatOfOne) {
  const auto assignment = torch::randn({1, 5, 6});
  const auto one = AssignmentLoss(assignment, Labels(kLabels0), Labels(kLabels1));
  const auto twins = AssignmentLoss(assignment.repeat({2, 1, 1}), Labels(kLabels0).repeat({2, 1}),
                                    Labels(kLabels1).repeat({2, 1}));
  EXPECT_TRUE(TensorsNear(one, twins, 1e-6));
}

TEST(AssignmentLoss, LabelsOfAnotherSizeAreRefused) {
  const auto assignment = torch::zeros({1, 3, 3});
  EXPECT_THROW(AssignmentLoss(assignment, Labels({0}), Labels({0, 1})), c10::Error);
  EXPECT_THROW(AssignmentLoss(assignment, Labels({0, 1}), Labels({0, 1, 2})), c10::Error);
}

TEST(CountMatches, CountsPredictionsCorrectOnesAndPossibleOnes) {
  const auto predicted = torch::tensor({0, -1, 2, 1, 3}, torch::kLong);
  const auto labelled =
      torch::tensor({int64_t{0}, int64_t{1}, int64_t{1}, kIgnored, kUnmatched}, torch::kLong);
  MatchCounts counts = CountMatches(predicted, labelled);
  EXPECT_EQ(counts.predicted, 3);
  EXPECT_EQ(counts.correct, 1);
  EXPECT_EQ(counts.possible, 3);
  counts += counts;
  EXPECT_EQ(counts.predicted, 6);
  EXPECT_DOUBLE_EQ(counts.precision(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(counts.recall(), 1.0 / 3);
}

TEST(CountMatches, NothingPredictedAndNothingPossibleAreZeroNotNan) {
  const MatchCounts counts =
      CountMatches(torch::full({4}, kUnmatched, torch::kLong), torch::full({4}, kUnmatched, torch::kLong));
  EXPECT_EQ(counts.precision(), 0);
  EXPECT_EQ(counts.recall(), 0);
}

TEST(CountLabels, CountsRightMatchesAndRightDustbinsOfBothImagesAndNoIgnoredOnes) {
  // Two keypoints against three: the assignment says 0-1, and the dustbin for the rest.
  auto assignment = torch::full({1, 3, 4}, -9.0f);
  assignment[0][0][1] = assignment[0][1][3] = assignment[0][2][0] = assignment[0][2][2] = -0.1f;
  const auto labels0 = torch::tensor({{1, -1}}, torch::kLong),
             labels1 = torch::tensor({{-1, 0, -1}}, torch::kLong);
  const LabelCounts all_right = CountLabels(assignment, labels0, labels1);
  EXPECT_EQ(all_right.labelled, 5);
  EXPECT_EQ(all_right.accuracy(), 1);
  EXPECT_EQ(all_right.matched, 2);
  EXPECT_EQ(all_right.match_accuracy(), 1);

  const LabelCounts other = CountLabels(assignment, torch::tensor({{int64_t{2}, kIgnored}}, torch::kLong),
                                        torch::tensor({{-1, -1, 0}}, torch::kLong));
  EXPECT_EQ(other.labelled, 4);
  EXPECT_EQ(other.right, 1) << "the first of image 1 alone";
  EXPECT_EQ(other.matched_right, 0);
}

}  // namespace
}  // namespace colmatch
