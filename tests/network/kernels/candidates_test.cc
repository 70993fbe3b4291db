// Selection of the couplings that can matter, every path of this machine, against plain loops in double.
#include "network/kernels/candidates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "network/kernels/simd.h"
#include "tests/test_seed.h"

namespace colmatch {
namespace {

constexpr float kBin = 2.5f, kMargin = 3;

std::vector<float> Uniform(int64_t count, float least, float most) {
  std::uniform_real_distribution<float> uniform(least, most);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = uniform(TestRng());
  return values;
}

// Scores of which about one in twenty is to be listed.
std::vector<float> FewHigh(int64_t count) {
  auto scores = Uniform(count, -100, kBin - kMargin);
  for (int64_t i = 0; i < count; i += 20)
    scores[static_cast<size_t>(i)] = kBin - kMargin + static_cast<float>(i % 7);
  return scores;
}

void ExpectSelected(const Candidates& c, const std::vector<float>& scores, int64_t n, int64_t m) {
  ASSERT_FALSE(c.too_many);
  ASSERT_EQ(c.rows, n);
  std::vector<double> rows(static_cast<size_t>(n)), columns(static_cast<size_t>(m));
  int64_t e = 0;
  for (int64_t i = 0; i < n; ++i) {
    ASSERT_EQ(c.begin(i), e);
    for (int64_t j = 0; j < m; ++j) {
      const float score = scores[static_cast<size_t>(i * m + j)];
      if (score >= kBin - kMargin) {
        ASSERT_LT(e, c.count());
        ASSERT_EQ(c.places[static_cast<size_t>(e)], j);
        ASSERT_EQ(c.scores[static_cast<size_t>(e++)], score);
        continue;
      }
      rows[static_cast<size_t>(i)] += std::exp(static_cast<double>(score) - kBin);
      columns[static_cast<size_t>(j)] += std::exp(static_cast<double>(score) - kBin);
    }
  }
  EXPECT_EQ(c.count(), e);
  for (const auto& [exact, found] : {std::pair{&rows, &c.omitted0}, {&columns, &c.omitted1}}) {
    ASSERT_EQ(found->size(), exact->size());
    for (size_t i = 0; i < exact->size(); ++i) {
      EXPECT_GE((*found)[i], (*exact)[i] * (1 - 1e-4) - 1e-30);
      EXPECT_LE((*found)[i], (*exact)[i] * 1.063 + 1e-30);
    }
  }
}

const std::pair<int64_t, int64_t> kSizes[] = {{1, 1}, {1, 40}, {40, 1}, {5, 16}, {7, 33}, {100, 70}};

TEST(AddCandidates, ListsWhatIsHighAndSumsTheRest) {
  for (const auto& [n, m] : kSizes) {
    const auto scores = FewHigh(n * m);
    for (int lanes = 4; lanes <= simd::BestLanes(); lanes *= 2) {
      Candidates c;
      for (int twice = 0; twice < 2; ++twice) {  // memory that is used again holds nothing of before
        c.Reset(m, kBin);
        AddCandidatesWith(lanes, scores.data(), m, n, kMargin, c);
        ExpectSelected(c, scores, n, m);
      }
    }
  }
}

TEST(AddListedRow, SelectsFromAListAsFromAllEntries) {
  for (const auto& [n, m] : kSizes) {
    const auto scores = FewHigh(n * m);
    std::vector<int32_t> all;
    for (int64_t j = 0; j < m; ++j) all.push_back(static_cast<int32_t>(j));
    for (int lanes = 4; lanes <= simd::BestLanes(); lanes *= 2) {
      Candidates c;
      c.Reset(m, kBin);
      for (int64_t i = 0; i < n; ++i)
        AddListedRowWith(lanes, scores.data() + i * m, all.data(), m, 0, kMargin, c);
      ExpectSelected(c, scores, n, m);
    }
  }
}

TEST(ListAtLeast, ListsAllAndOnlyEntriesOfAtLeastTheBound) {
  for (const int64_t m : {1, 4, 15, 16, 33, 100}) {
    auto row = Uniform(m, -1, 1);
    row[static_cast<size_t>(m - 1)] = 0.5f;  // the bound itself
    std::vector<int32_t> expected, places(static_cast<size_t>(m));
    for (int64_t j = 0; j < m; ++j) {
      if (row[static_cast<size_t>(j)] >= 0.5f) expected.push_back(static_cast<int32_t>(j));
    }
    for (int lanes = 4; lanes <= simd::BestLanes(); lanes *= 2) {
      const int64_t count = ListAtLeastWith(lanes, row.data(), m, 0.5f, places.data());
      EXPECT_EQ(std::vector<int32_t>(places.begin(), places.begin() + count), expected) << m << ' ' << lanes;
    }
  }
}

TEST(JoinCandidates, PartsAreTheWhole) {
  const int64_t n = 90, m = 50;
  const auto scores = FewHigh(n * m);
  std::vector<Candidates> parts(4);  // the last is not used
  for (int64_t p = 0; p < 3; ++p) {
    parts[static_cast<size_t>(p)].Reset(m, kBin);
    AddCandidates(scores.data() + p * 30 * m, m, 30, kMargin, parts[static_cast<size_t>(p)]);
  }
  Candidates all;
  JoinCandidates(parts, 3, all);
  ExpectSelected(all, scores, n, m);
}

TEST(AddCandidates, GivesUpWhereNearlyAllEntriesAreHigh) {
  const int64_t n = 200, m = 100;
  const auto scores = Uniform(n * m, kBin, kBin + 1);
  std::vector<Candidates> parts(1);
  parts[0].Reset(m, kBin);
  AddCandidates(scores.data(), m, n, kMargin, parts[0]);
  EXPECT_TRUE(parts[0].too_many);
  EXPECT_LT(parts[0].count(), n * m / 2);  // and does not fill the memory
  Candidates all;
  JoinCandidates(parts, 1, all);
  EXPECT_TRUE(all.too_many);
}

}  // namespace
}  // namespace colmatch
