// The order of listed pairs: all of them, and images loaded seldom.
#include "plugin/pairs/pair_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "util/error.h"
#include "util/lru_cache.h"

namespace colmatch {
namespace {

constexpr int kBlock = 50;

std::vector<ImagePair> AllOf(PairSource&& source) {
  std::vector<ImagePair> all;
  for (auto block = source.Next(); !block.empty(); block = source.Next())
    all.insert(all.end(), block.begin(), block.end());
  EXPECT_EQ(static_cast<int64_t>(all.size()), source.num_pairs());
  return all;
}

// How often an image is loaded on average where as many are kept as MatchPairs keeps.
double LoadsPerImage(const std::vector<ImagePair>& pairs, int num_images) {
  LruCache<int, int> cache(2 * kBlock + 2);
  int loads = 0;
  for (const auto& [i, j] : pairs) {
    for (const int image : {i, j}) cache.Get(image, [&] { return ++loads; });
  }
  return static_cast<double>(loads) / num_images;
}

// Every image with the `reach` after it in a line whose order is shuffled.
std::vector<ImagePair> ShuffledSequence(int num_images, int reach) {
  std::vector<int> name(static_cast<size_t>(num_images));
  std::iota(name.begin(), name.end(), 0);
  std::shuffle(name.begin(), name.end(), std::mt19937(3));
  std::vector<ImagePair> pairs;
  for (int i = 0; i < num_images; ++i) {
    for (int j = i + 1; j <= std::min(num_images - 1, i + reach); ++j) {
      const auto [low, high] = std::minmax(name[static_cast<size_t>(i)], name[static_cast<size_t>(j)]);
      pairs.emplace_back(low, high);
    }
  }
  return pairs;
}

// Scenes of which each image has pairs with some others; the images of all scenes are shuffled.
std::vector<ImagePair> ShuffledScenes(int num_scenes, int images_a_scene, int partners) {
  const int n = num_scenes * images_a_scene;
  std::vector<int> name(static_cast<size_t>(n));
  std::iota(name.begin(), name.end(), 0);
  std::mt19937 rng(5);
  std::shuffle(name.begin(), name.end(), rng);
  std::vector<ImagePair> pairs;
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < partners; ++k) {
      const int other = i / images_a_scene * images_a_scene + static_cast<int>(rng() % images_a_scene);
      if (other == i) continue;
      const auto [low, high] = std::minmax(name[static_cast<size_t>(i)], name[static_cast<size_t>(other)]);
      pairs.emplace_back(low, high);
    }
  }
  return pairs;
}

TEST(OrderedPairs, EveryPairComesOnceWhateverTheBlockSize) {
  for (const int n : {1, 2, 30, 211}) {
    auto wanted = ShuffledSequence(n, 4);
    for (const int block : {1, 3, 50}) {
      auto twice = wanted;
      twice.insert(twice.end(), wanted.begin(), wanted.end());
      auto found = AllOf(OrderedPairs(twice, n, block));
      std::sort(found.begin(), found.end());
      std::sort(wanted.begin(), wanted.end());
      EXPECT_EQ(found, wanted) << n << ' ' << block;
    }
  }
}

TEST(OrderedPairs, NoPairsAreNoBlock) {
  EXPECT_TRUE(OrderedPairs({}, 0, kBlock).Next().empty());
  EXPECT_TRUE(OrderedPairs({}, 9, kBlock).Next().empty());
}

TEST(OrderedPairs, ABlockSizeBelowOneIsRefused) { EXPECT_THROW(OrderedPairs({}, 3, 0), UsageError); }

TEST(OrderPairs, ASequenceIsFoundAgainAndEachImageLoadedAboutOnce) {
  constexpr int kImages = 2000;
  const auto pairs = ShuffledSequence(kImages, 20);
  EXPECT_LT(LoadsPerImage(OrderPairs(pairs, kImages, kBlock), kImages), 1.2);
  auto by_number = pairs;
  std::sort(by_number.begin(), by_number.end());
  EXPECT_GT(LoadsPerImage(by_number, kImages), 15) << "then the order would not matter";
}

TEST(OrderPairs, ScenesAreFoundAgainAndEachImageLoadedAboutOnce) {
  const auto pairs = ShuffledScenes(40, 50, 10);
  EXPECT_LT(LoadsPerImage(OrderPairs(pairs, 2000, kBlock), 2000), 1.5);
}

TEST(OrderPairs, DoesNotDependOnTheOrderOfTheList) {
  auto pairs = ShuffledScenes(6, 40, 8);
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  const auto ordered = OrderPairs(pairs, 240, 10);
  std::shuffle(pairs.begin(), pairs.end(), std::mt19937(1));
  EXPECT_EQ(OrderPairs(pairs, 240, 10), ordered);
}

}  // namespace
}  // namespace colmatch
