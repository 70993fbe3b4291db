// Pairs gathered for the matcher.
#include "plugin/pair_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/random_features.h"

namespace colmatch {
namespace {

TEST(PairBatch, EveryPairGetsItsOwnMatchesInOrder) {
  MatcherOptions options;
  options.type = MatcherType::kMutualNearestNeighbor;
  FeatureMatcher matcher({}, options, torch::kCPU);
  PairBatch batch(matcher, 1);
  std::vector<size_t> sizes;
  for (const uint32_t n : {9, 0, 4, 9}) {
    const Features features = RandomFeatures(n, 8);
    batch.Add({n, features}, {n, features}, [&](const PairRows& rows) {
      EXPECT_EQ(rows.matches.size(), rows.confidences.size());
      sizes.push_back(rows.matches.size());
    });
  }
  batch.Finish();
  batch.Finish();  // nothing waits any more
  EXPECT_THAT(sizes, testing::ElementsAre(9, 0, 4, 9));
}

}  // namespace
}  // namespace colmatch
