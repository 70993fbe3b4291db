// Optimal transport for matching: against the log domain, whatever the scores span, in batches of padded
// pairs.
#include "network/engines/transport.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <utility>
#include <vector>

#include "network/optimal_transport.h"
#include "tests/gpu_test.h"
#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

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
                 expected = MatchesFromLogAssignment(LogTransport(scores, bin_score, 100)[0], 0.2);
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
  const auto expected = LogTransport(scores, bin, 2000).exp();
  EXPECT_TRUE(TensorsNear(SolveTransport(scores, bin, 1000).exp(), expected, 1e-4));
  const auto found = MatchByTransport(scores, bin, 1000, 0.2);
  EXPECT_TRUE(
      TensorsNear(found.matching_scores0.narrow(0, 0, 100), expected[0].diagonal().narrow(0, 0, 100), 1e-4));
}

TEST(SolveTransport, GivesTheMatchesAndValuesOfAHundredLogDomainIterations) {
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{1, 1}, {7, 5}, {60, 90}, {130, 33}}) {
    const auto scores = 8 * torch::randn({2, n, m});
    const auto bin = torch::tensor(3.0f);
    const auto expected = LogTransport(scores, bin, 100), found = SolveTransport(scores, bin, 100);
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
    const auto expected = LogTransport(scores, bin, 50), found = SolveTransport(scores, bin, 50);
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
        const auto expected = LogTransport(scores, bin_score, 100),
                   found = SolveTransport(scores, bin_score, 100);
        EXPECT_TRUE(TensorsNear(found.exp().cpu(), expected.exp().cpu(), 2e-3))
            << scale << ' ' << n << " x " << m << ' ' << bin;
      }
    }
  }
}

TEST(SolveTransport, OfDoublesIsThatOfLogDomainIterations) { ExpectTransportOfLogDomain(torch::kDouble); }

// Pairs of many sizes, padded with what must not matter, against each alone in the log domain.
void ExpectBatchIsEachAlone(const torch::TensorOptions& options, double scale, double bin) {
  const std::vector<int64_t> counts0 = {1, 30, 7, 41, 1}, counts1 = {1, 22, 39, 40, 33};
  const auto scores = (scale * torch::randn({5, 41, 40})).to(options);
  const auto bin_score = torch::full({}, bin, options);
  auto padded = torch::full_like(scores, 1e4);
  for (int64_t i = 0; i < 5; ++i) {
    const auto n = counts0[static_cast<size_t>(i)], m = counts1[static_cast<size_t>(i)];
    padded[i].narrow(0, 0, n).narrow(1, 0, m).copy_(scores[i].narrow(0, 0, n).narrow(1, 0, m));
  }
  const auto found =
      EachPair(MatchBatchByTransport({padded, counts0, counts1}, bin_score, 100, 0.2), counts0, counts1);
  ASSERT_EQ(found.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    const auto alone =
        scores.narrow(0, static_cast<int64_t>(i), 1).narrow(1, 0, counts0[i]).narrow(2, 0, counts1[i]);
    const FeatureMatches expected =
        MatchesFromLogAssignment(LogTransport(alone, bin_score, 100)[0].cpu(), 0.2);
    EXPECT_TRUE(torch::equal(found[i].matches0, expected.matches0)) << "pair " << i << ", bin " << bin;
    EXPECT_TRUE(torch::equal(found[i].matches1, expected.matches1)) << "pair " << i << ", bin " << bin;
    EXPECT_TRUE(TensorsNear(found[i].matching_scores0, expected.matching_scores0.to(torch::kFloat), 2e-3))
        << i;
    EXPECT_TRUE(TensorsNear(found[i].matching_scores1, expected.matching_scores1.to(torch::kFloat), 2e-3))
        << i;
  }
}

TEST(MatchBatchByTransport, APairOfABatchIsThePairAlone) {
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    for (const double bin : {-200.0, 3.0, 200.0}) ExpectBatchIsEachAlone(type, 8, bin);
  }
  // Some stretches leave their range; in float32 the potentials' rounding would decide between equal entries.
  ExpectBatchIsEachAlone(torch::kDouble, 60, 3);
}

class TransportOnAGpu : public GpuTest {};

TEST_F(TransportOnAGpu, IsThatOfLogDomainIterations) {
  ExpectTransportOfLogDomain(torch::TensorOptions(torch::kFloat).device(torch::kCUDA));
}

TEST_F(TransportOnAGpu, OfABatchIsThatOfEachAlone) {
  for (const double bin : {-200.0, 3.0, 200.0})
    ExpectBatchIsEachAlone(torch::TensorOptions(torch::kFloat).device(torch::kCUDA), 8, bin);
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
  const auto log_assignment = LogTransport(4 * torch::randn({1, 40, 30}), torch::tensor(1.5f), 100)[0];
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
