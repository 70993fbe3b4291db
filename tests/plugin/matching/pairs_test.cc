// The order of exhaustive pairs, and lists of pairs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "plugin/pairs/pair_source.h"
#include "util/error.h"

namespace colmatch {
namespace {

std::vector<ImagePair> AllOf(PairSource&& source) {
  std::vector<ImagePair> all;
  for (auto block = source.Next(); !block.empty(); block = source.Next())
    all.insert(all.end(), block.begin(), block.end());
  EXPECT_EQ(static_cast<int64_t>(all.size()), source.num_pairs());
  return all;
}

TEST(ExhaustivePairs, EveryPairComesOnceWhateverTheBlockSize) {
  for (const int n : {0, 1, 2, 7, 53}) {
    for (const int block : {1, 3, 50, 100}) {
      const auto pairs = AllOf(ExhaustivePairs(n, block));
      const std::set<std::pair<int, int>> unique(pairs.begin(), pairs.end());
      EXPECT_EQ(pairs.size(), static_cast<size_t>(n * (n - 1) / 2)) << n << ' ' << block;
      EXPECT_EQ(unique.size(), pairs.size());
      for (const auto& [i, j] : pairs) EXPECT_LT(i, j);
    }
  }
}

TEST(ExhaustivePairs, ABlockNeedsTheFeaturesOfTwoBlocksOnly) {
  constexpr int kBlock = 10;
  std::set<std::pair<int, int>> seen;
  std::pair<int, int> current{-1, -1};
  for (const auto& [i, j] : AllOf(ExhaustivePairs(35, kBlock))) {
    const std::pair<int, int> block{i / kBlock, j / kBlock};
    if (block == current) continue;
    EXPECT_TRUE(seen.insert(block).second) << "a block is visited twice";
    current = block;
  }
}

TEST(ExhaustivePairs, ABlockSizeBelowOneIsRefused) { EXPECT_THROW(ExhaustivePairs(3, 0), UsageError); }

TEST(ListedPairs, KeepTheirOrderWithTheSmallerIndexFirstAndEachOnce) {
  using testing::ElementsAre;
  EXPECT_THAT(AllOf(ListedPairs({{3, 1}, {0, 2}, {1, 3}, {2, 2}, {0, 2}, {0, 1}})),
              ElementsAre(ImagePair(1, 3), ImagePair(0, 2), ImagePair(0, 1)));
}

TEST(ListedPairs, ComeInBlocksOfTheSizeAskedFor) {
  ListedPairs source({{0, 1}, {0, 2}, {0, 3}}, 2);
  EXPECT_EQ(source.Next().size(), 2u);
  EXPECT_EQ(source.Next().size(), 1u);
  EXPECT_TRUE(source.Next().empty());
  EXPECT_THROW(ListedPairs({}, 0), UsageError);
  EXPECT_TRUE(ListedPairs({}).Next().empty());
}

}  // namespace
}  // namespace colmatch
