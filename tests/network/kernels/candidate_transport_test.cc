// Optimal transport over the couplings that can matter, against the one over all.
#include "network/kernels/candidate_transport.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <utility>
#include <vector>

#include "network/engines/transport.h"
#include "network/kernels/simd.h"
#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

constexpr float kBin = 4;
constexpr double kThreshold = 0.2;

// As after training: some keypoints have a match that stands out, a few have a rival, the rest is far below.
torch::Tensor LikeReal(int64_t n, int64_t m) {
  auto scores = 2.5 * torch::randn({1, n, m}) - 6;
  const int64_t matched = std::min(n, m) * 2 / 3;
  auto diagonal = scores[0].diagonal().narrow(0, 0, matched);
  diagonal.add_(6 + 10 * torch::rand({matched}) + 4);
  for (int64_t i = 0; i + 1 < matched; i += 5) scores[0][i][i + 1] = scores[0][i][i] - 0.5;
  return scores;
}

Candidates Selected(const torch::Tensor& scores, float bin, float margin = kCandidateMargin) {
  const auto in = scores.contiguous();
  Candidates c;
  c.Reset(in.size(2), bin);
  AddCandidates(in.data_ptr<float>(), in.size(2), in.size(1), margin, c);
  return c;
}

bool Match(const torch::Tensor& scores, float bin, int iterations, double threshold,
           FeatureMatches& matches) {
  CandidateSolution memory;
  return MatchByCandidates(Selected(scores, bin), iterations, threshold, memory, matches);
}

TEST(MatchByCandidates, GivesTheMatchesOfAllCouplings) {
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{200, 200}, {300, 170}, {90, 400}}) {
    for (const int iterations : {10, 20, 100}) {
      const auto scores = LikeReal(n, m);
      FeatureMatches found;
      ASSERT_TRUE(Match(scores, kBin, iterations, kThreshold, found)) << n << " x " << m;
      const auto expected = MatchByTransport(scores, torch::tensor(kBin), iterations, kThreshold);
      EXPECT_GT((expected.matches0 >= 0).sum().item<int64_t>(), 20);
      EXPECT_LE((found.matches0 != expected.matches0).sum().item<int64_t>(), 1);
      EXPECT_LE((found.matches1 != expected.matches1).sum().item<int64_t>(), 1);
      const auto same = (found.matches0 == expected.matches0) & (found.matches0 >= 0);
      EXPECT_LT(((found.matching_scores0 - expected.matching_scores0).abs() * same).max().item<double>(),
                0.01);
    }
  }
}

// The error of either side's sums, in double: what is omitted against what stands in for it.
double TrueError(const torch::Tensor& scores, float bin, float margin, const Candidates& c,
                 const CandidateSolution& s) {
  const auto values = [](const std::vector<float>& v) {
    return torch::tensor(v, torch::kFloat).to(torch::kDouble);
  };
  const auto kernel = (scores[0].to(torch::kDouble) - bin).exp();
  const auto omitted = torch::where(scores[0] < bin - margin, kernel, torch::zeros_like(kernel));
  const auto a = (values(s.a).narrow(0, 0, c.rows) * values(s.bins)).unsqueeze(1),
             b = values(s.b).narrow(0, 0, c.columns).unsqueeze(0);
  const auto shared = values(c.omitted0).unsqueeze(1) * values(c.omitted1).unsqueeze(0) /
                      values(c.omitted1).sum().clamp_min(1e-30);
  const auto difference = a * (omitted - shared) * b;
  return std::max(difference.sum(1).abs().max().item<double>(), difference.sum(0).abs().max().item<double>());
}

TEST(SolveCandidates, TheErrorIsNeverMoreThanItsBound) {
  for (const double spread : {1.0, 2.5, 4.0}) {
    for (const float margin : {0.0f, 3.0f}) {
      auto scores = LikeReal(150, 120);
      scores = scores + spread * torch::randn_like(scores);
      const Candidates c = Selected(scores, kBin, margin);
      if (c.too_many) continue;
      CandidateSolution s;
      SolveCandidates(c, 50, s);
      ASSERT_TRUE(s.in_range);
      const double error = TrueError(scores, kBin, margin, c, s);
      EXPECT_GT(error, 0);
      EXPECT_LE(error, s.error * 1.001) << spread << ' ' << margin;
    }
  }
}

TEST(SolveCandidates, EveryPathGivesTheSameUpToRounding) {
  const Candidates c = Selected(LikeReal(130, 77), kBin);
  CandidateSolution expected;
  SolveCandidatesWith(4, c, 20, expected);
  for (int lanes = 8; lanes <= simd::BestLanes(); lanes *= 2) {
    CandidateSolution found;
    SolveCandidatesWith(lanes, c, 20, found);
    EXPECT_EQ(found.row_best, expected.row_best);
    for (size_t i = 0; i < found.a.size(); ++i) EXPECT_NEAR(found.a[i], expected.a[i], 1e-3 * expected.a[i]);
  }
}

TEST(MatchByCandidates, IsNotUsedWhereItCannotBeShownToSuffice) {
  FeatureMatches found;
  EXPECT_FALSE(Match(torch::full({1, 50, 50}, kBin), kBin, 20, kThreshold, found)) << "too many";
  // Each omitted entry is small, all of a row together are not.
  EXPECT_FALSE(Match(torch::full({1, 400, 400}, kBin - 5.1), kBin, 20, 0.1, found)) << "bound";
  EXPECT_FALSE(Match(LikeReal(60, 60), kBin, 20, 0, found)) << "any probability is a match";
  EXPECT_FALSE(Match(2000 * LikeReal(60, 60), kBin, 20, kThreshold, found)) << "range";
  EXPECT_FALSE(found.matches0.defined());
}

TEST(MatchByCandidates, NothingAboveTheDustbinIsNoMatch) {
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{1, 1}, {1, 30}, {50, 1}, {100, 80}}) {
    FeatureMatches found;
    ASSERT_TRUE(Match(torch::full({1, n, m}, -40.0f), kBin, 20, kThreshold, found));
    EXPECT_TRUE((found.matches0 == kUnmatched).all().item<bool>());
    EXPECT_EQ(found.matches0.size(0), n);
    EXPECT_EQ(found.matches1.size(0), m);
  }
}

TEST(MatchByCandidates, OneKeypointAndTiesGiveWhatAllCouplingsGive) {
  auto one = torch::full({1, 1, 1}, 9.0f), row = torch::full({1, 1, 20}, -30.0f);
  row[0][0][7] = 12;
  auto tied = torch::full({1, 40, 40}, -30.0f);
  for (int64_t i = 0; i < 40; i += 2) tied[0].narrow(0, i, 2).narrow(1, i, 2).fill_(9);  // all four alike
  for (const auto& scores : {one, row, tied}) {
    CandidateSolution memory;
    FeatureMatches found;
    Candidates c;
    c.Reset(scores.size(2), kBin);
    AddCandidates(scores.contiguous().data_ptr<float>(), scores.size(2), scores.size(1), kCandidateMargin, c);
    ASSERT_TRUE(MatchByCandidates(c, 20, kThreshold, memory, found));
    const auto expected = MatchByTransport(scores, torch::tensor(kBin), 20, kThreshold);
    EXPECT_EQ((found.matches0 >= 0).sum().item<int64_t>(), (expected.matches0 >= 0).sum().item<int64_t>());
    EXPECT_TRUE(TensorsNear(found.matching_scores0.max(), expected.matching_scores0.max(), 1e-3));
  }
}

}  // namespace
}  // namespace colmatch
