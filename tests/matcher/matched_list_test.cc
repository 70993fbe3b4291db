// Tests of lists of matches.
#include "matcher/matched_list.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <set>

#include "matcher/matcher_list.h"
#include "tests/random_features.h"

namespace colmatch {
namespace {

FeatureMatches MatchesOf(const std::vector<int64_t>& matches0, const std::vector<float>& scores0, int64_t m) {
  FeatureMatches matches;
  matches.matches0 = torch::tensor(matches0, torch::kLong);
  matches.matching_scores0 = torch::tensor(scores0);
  matches.matches1 = torch::full({m}, kUnmatched, torch::kLong);
  return matches;
}

TEST(ListMatches, OfSeveralThatChoseTheSameTheMostConfidentStays) {
  const auto list = ListMatches(MatchesOf({2, -1, 2, 0, 2}, {0.5f, 0, 0.9f, 0.3f, 0.7f}, 3));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].index0, 2);
  EXPECT_EQ(list[0].index1, 2);
  EXPECT_EQ(list[0].confidence, 0.9f);
  EXPECT_EQ(list[1].index0, 3);
  EXPECT_EQ(list[1].index1, 0);
}

TEST(ListMatches, KeepsEveryKeypointAtMostOnceByRisingIndex) {
  MatcherSetup setup;
  setup.options.matcher = "nn";
  const Features a = RandomFeatures(80, 6), b = RandomFeatures(50, 6);
  const FeatureMatches matches = MakeMatcher(setup)->Match(a, b);
  const auto list = ListMatches(matches);
  std::set<int> used1, chosen;
  for (size_t i = 0; i < list.size(); ++i) {
    EXPECT_TRUE(used1.insert(list[i].index1).second) << list[i].index1;
    if (i > 0) EXPECT_GT(list[i].index0, list[i - 1].index0);
    EXPECT_EQ(matches.matches0[list[i].index0].item<int64_t>(), list[i].index1);
  }
  for (int64_t i = 0; i < 80; ++i) chosen.insert(static_cast<int>(matches.matches0[i].item<int64_t>()));
  EXPECT_EQ(used1, chosen) << "nothing that was chosen is lost";
}

TEST(ListMatches, OfNothingIsEmpty) {
  EXPECT_TRUE(ListMatches(MatchesOf({}, {}, 5)).empty());
  EXPECT_TRUE(ListMatches(MatchesOf({-1, -1}, {0, 0}, 0)).empty());
}

}  // namespace
}  // namespace colmatch
