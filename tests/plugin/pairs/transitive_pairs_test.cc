// Triangles over verified pairs, and going on after an interruption.
#include "plugin/pairs/transitive_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>

#include "tests/database_io/database_test_util.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Verdict = std::function<bool(int, int)>;  // whether a pair turns out to be verified

// A database of n images, of which some pairs are verified; ids are indices + 1.
class TransitiveMatching : public testing::Test {
 protected:
  void Make(int n, const std::vector<ImagePair>& verified) {
    database_ = std::make_unique<ColmapDatabase>(folder_.File(std::to_string(++count_) + ".db"),
                                                 DatabaseMode::kCreateOrOpen);
    database_->AddCamera(TestCamera());
    for (int i = 0; i < n; ++i) {
      const image_t id = database_->AddImage({0, std::to_string(i), 1, {}});
      database_->WriteKeypoints(id, TestKeypoints(1));
    }
    for (const auto& [i, j] : verified) Write(i, j, true);
    images_ = database_->Images();
  }
  void Write(int i, int j, bool verified) {
    TwoViewGeometry geometry;
    geometry.config = verified ? TwoViewConfig::kUncalibrated : TwoViewConfig::kDegenerate;
    if (verified) geometry.inlier_matches = {{0, 0}};
    database_->WriteMatches(i + 1, j + 1, geometry.inlier_matches);
    database_->WriteTwoViewGeometry(i + 1, j + 1, geometry);
  }
  // What the matching pipeline does: pairs that are there are left. Stops after `budget` new pairs, as a
  // signal would. Returns the pairs that were new.
  std::vector<ImagePair> Run(const TransitiveOptions& options, const Verdict& is_verified,
                             size_t budget = 1000000) {
    TransitivePairs source(*database_, images_, options);
    std::vector<ImagePair> matched;
    for (auto block = source.Next(); !block.empty(); block = source.Next()) {
      for (const auto& [i, j] : block) {
        EXPECT_LT(i, j);
        if (database_->HasTwoViewGeometry(i + 1, j + 1)) continue;
        if (matched.size() == budget) return matched;
        Write(i, j, is_verified(i, j));
        matched.emplace_back(i, j);
      }
    }
    return matched;
  }
  std::set<std::pair<image_t, image_t>> MatchedPairs() {
    const auto pairs = database_->AllMatchedPairs();
    return {pairs.begin(), pairs.end()};
  }

  TemporaryFolder folder_;
  int count_ = 0;
  std::unique_ptr<ColmapDatabase> database_;
  std::vector<Image> images_;
};

const Verdict kAlways = [](int, int) { return true; };
const Verdict kNever = [](int, int) { return false; };

TEST_F(TransitiveMatching, HasNoPairsWithoutTriangles) {
  for (const int n : {0, 1, 2}) {
    Make(n, n == 2 ? std::vector<ImagePair>{{0, 1}} : std::vector<ImagePair>{});
    EXPECT_THAT(Run({}, kAlways), IsEmpty()) << n;
    EXPECT_FALSE(database_->KeptPairs().has_value());
  }
}

TEST_F(TransitiveMatching, ClosesOneSideMoreOfAChainEachIteration) {
  const std::vector<ImagePair> chain = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}};
  Make(6, chain);
  EXPECT_THAT(Run({1000, 1}, kAlways),
              ElementsAre(ImagePair(0, 2), ImagePair(1, 3), ImagePair(2, 4), ImagePair(3, 5)));
  Make(6, chain);
  EXPECT_EQ(Run({1000, 2}, kAlways).size(), 4u + 5u) << "then those three and four apart";
  Make(6, chain);
  EXPECT_THAT(Run({1000, 3}, kNever),
              ElementsAre(ImagePair(0, 2), ImagePair(1, 3), ImagePair(2, 4), ImagePair(3, 5)))
      << "nothing was verified, so nothing follows";
}

TEST_F(TransitiveMatching, NoPairComesTwiceAndVerifiedOnesNeverWhateverTheBatch) {
  std::mt19937 rng(11);
  std::vector<ImagePair> verified;
  for (int i = 0; i < 25; ++i) {
    for (int j = i + 1; j < 25; ++j) {
      if (rng() % 12 == 0) verified.emplace_back(i, j);
    }
  }
  const Verdict some = [](int i, int j) { return (i * 7 + j) % 3 == 0; };
  std::set<ImagePair> expected;
  for (const int batch : {1, 7, 1000}) {
    Make(25, verified);
    TransitivePairs source(*database_, images_, {batch, 3});
    std::set<ImagePair> seen(verified.begin(), verified.end());
    for (auto block = source.Next(); !block.empty(); block = source.Next()) {
      for (const auto& [i, j] : block) {
        EXPECT_TRUE(seen.emplace(i, j).second) << i << ' ' << j;
        Write(i, j, some(i, j));
      }
    }
    EXPECT_EQ(source.num_pairs(), static_cast<int64_t>(seen.size() - verified.size()));
    if (expected.empty()) expected = seen;
    EXPECT_EQ(seen, expected);
  }
  EXPECT_GT(expected.size(), verified.size() + 20);
}

TEST_F(TransitiveMatching, InterruptedAnywhereAndRepeatedEndsAsAnUnbrokenRun) {
  std::vector<ImagePair> chain;
  for (int i = 0; i < 12; ++i) chain.emplace_back(i, i + 1);
  const Verdict most = [](int i, int j) { return (i + j) % 5 != 0; };
  Make(13, chain);
  const size_t all = Run({4, 3}, most).size();
  const auto expected = MatchedPairs();
  ASSERT_LT(expected.size(), 13u * 12 / 2) << "not everything, or the test cannot fail";
  for (size_t stop = 0; stop < all; stop += 3) {
    Make(13, chain);
    Run({4, 3}, most, stop);
    Run({4, 3}, most, 2);  // and once more, soon
    EXPECT_TRUE(database_->KeptPairs().has_value());
    Run({4, 3}, most);
    EXPECT_EQ(MatchedPairs(), expected) << "stopped after " << stop;
    EXPECT_FALSE(database_->KeptPairs().has_value());
  }
}

TEST_F(TransitiveMatching, PairsThatOthersVerifyAfterAnInterruptionAreClosedOverToo) {
  Make(6, {{0, 1}, {1, 2}});
  Run({1000, 1}, kAlways, 0);
  Write(3, 4, true);
  Write(4, 5, true);
  EXPECT_THAT(Run({1000, 1}, kAlways), ElementsAre(ImagePair(0, 2), ImagePair(3, 5)));
  EXPECT_FALSE(database_->KeptPairs().has_value());
}

TEST_F(TransitiveMatching, ImagesWithoutFeaturesAreNotPaired) {
  Make(4, {{0, 1}, {1, 2}, {2, 3}});
  images_.erase(images_.begin() + 1);
  TransitivePairs source(*database_, images_, {});
  EXPECT_THAT(source.Next(), IsEmpty()) << "only 2 - 3 is left";
}

TEST_F(TransitiveMatching, OptionsBelowOneAreRefused) {
  Make(2, {});
  EXPECT_THROW(TransitivePairs(*database_, images_, {0, 3}), UsageError);
  EXPECT_THROW(TransitivePairs(*database_, images_, {10, 0}), UsageError);
}

}  // namespace
}  // namespace colmatch
