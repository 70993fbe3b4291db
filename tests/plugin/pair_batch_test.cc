// Pairs gathered for the matcher.
#include "plugin/pair_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/matcher/random_features.h"

namespace colmatch {
namespace {

TEST(PairBatch, EveryPairGetsItsOwnMatchesInOrder) {
  MatcherOptions options;
  options.type = MatcherType::kMutualNearestNeighbor;
  FeatureMatcher matcher({}, options, torch::kCPU);
  PairBatch batch(matcher);
  std::vector<size_t> sizes;
  for (const int64_t n : {9, 0, 4}) {
    const Features features = RandomFeatures(n, 8);
    const auto image = std::make_shared<PreparedImage>(matcher.Prepare(features));
    batch.Add({image, image}, [&](const PairRows& rows) {
      EXPECT_EQ(rows.matches.size(), rows.confidences.size());
      sizes.push_back(rows.matches.size());
    });
  }
  batch.Finish();
  batch.Finish();  // nothing waits any more
  EXPECT_THAT(sizes, testing::ElementsAre(9, 0, 4));
}

}  // namespace
}  // namespace colmatch
