// Dealing pairs into blocks: every pair once, blocks of equal size, few images in two blocks.
#include "plugin/pairs/pair_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace colmatch {
namespace {

// How many blocks an image that has pairs is in, on average.
double LoadsPerImage(const std::vector<ImagePair>& pairs, const std::vector<uint64_t>& borders) {
  std::set<int> all;
  size_t loads = 0;
  for (size_t b = 0; b + 1 < borders.size(); ++b) {
    std::set<int> images;
    for (uint64_t p = borders[b]; p < borders[b + 1]; ++p) {
      images.insert(pairs[p].first);
      images.insert(pairs[p].second);
    }
    loads += images.size();
    all.insert(images.begin(), images.end());
  }
  return static_cast<double>(loads) / static_cast<double>(all.size());
}

std::vector<uint64_t> EqualBorders(size_t num_pairs, int num_blocks) {
  std::vector<uint64_t> borders;
  for (int b = 0; b <= num_blocks; ++b) borders.push_back(num_pairs * b / num_blocks);
  return borders;
}

std::vector<ImagePair> AllPairs(int n) {
  std::vector<ImagePair> pairs;
  for (int i = 0; i < n; ++i) {
    for (int j = i + 1; j < n; ++j) pairs.emplace_back(i, j);
  }
  return pairs;
}

// Every image names 20 others, one in ten anywhere, the others in its cluster; images lie in no order. The
// simulation of docs/scale.md.
std::vector<ImagePair> ClusteredPairs(int num_images, int num_clusters) {
  std::mt19937 rng(1);
  std::vector<int> place(num_images);
  for (int i = 0; i < num_images; ++i) place[i] = i;
  std::shuffle(place.begin(), place.end(), rng);
  const int size = num_images / num_clusters;
  std::set<ImagePair> pairs;
  for (int i = 0; i < num_images; ++i) {
    for (int k = 0; k < 20; ++k) {
      const int j = rng() % 10 == 0 ? static_cast<int>(rng() % num_images)
                                    : i / size * size + static_cast<int>(rng() % size);
      if (j != i) pairs.insert(std::minmax(place[i], place[j]));
    }
  }
  return {pairs.begin(), pairs.end()};
}

TEST(SortIntoBlocks, EveryPairIsInOneBlockAndBlocksDifferByOnePair) {
  std::mt19937 rng(2);
  for (const int n : {2, 3, 9, 40}) {
    for (const int num_blocks : {1, 2, 7, 1000}) {
      std::vector<ImagePair> pairs = AllPairs(n);
      std::shuffle(pairs.begin(), pairs.end(), rng);
      if (num_blocks == 7) pairs.resize((pairs.size() + 3) / 4);  // not all pairs: neighbourhoods are sought
      std::vector<ImagePair> sorted = pairs;
      const auto borders = SortIntoBlocks(sorted, n, num_blocks);
      EXPECT_TRUE(std::is_permutation(pairs.begin(), pairs.end(), sorted.begin()));
      ASSERT_EQ(borders.size(), std::min<size_t>(pairs.size(), num_blocks) + 1);
      EXPECT_EQ(borders.front(), 0u);
      EXPECT_EQ(borders.back(), pairs.size());
      const uint64_t least = pairs.size() / (borders.size() - 1);
      for (size_t b = 0; b + 1 < borders.size(); ++b) {
        EXPECT_GE(borders[b + 1] - borders[b], least);
        EXPECT_LE(borders[b + 1] - borders[b], least + 1);
      }
    }
  }
}

TEST(SortIntoBlocks, NoPairsMakeNoBlock) {
  std::vector<ImagePair> none;
  EXPECT_EQ(SortIntoBlocks(none, 5, 7).size(), 1u);
  EXPECT_EQ(SortIntoBlocks(none, 0, 7).size(), 1u);
}

TEST(SortIntoBlocks, TheOrderOfThePairsDoesNotMatter) {
  std::vector<ImagePair> pairs = ClusteredPairs(500, 10), other = pairs;
  std::shuffle(other.begin(), other.end(), std::mt19937(3));
  SortIntoBlocks(pairs, 500, 7);
  SortIntoBlocks(other, 500, 7);
  EXPECT_EQ(pairs, other);
}

TEST(SortIntoBlocks, ImagesThatShareManyPairsAreLoadedFewTimes) {
  std::vector<ImagePair> pairs = ClusteredPairs(20000, 200);
  std::vector<ImagePair> random = pairs;
  std::shuffle(random.begin(), random.end(), std::mt19937(4));
  EXPECT_GT(LoadsPerImage(random, EqualBorders(random.size(), 100)), 25) << "the simulation is too easy";
  const auto borders = SortIntoBlocks(pairs, 20000, 100);
  EXPECT_LT(LoadsPerImage(pairs, borders), 4);
}

TEST(SortIntoBlocks, AllPairsAreDealtInSquares) {
  constexpr int kImages = 400, kBlocks = 50;
  std::vector<ImagePair> pairs = AllPairs(kImages);
  const double rows = LoadsPerImage(pairs, EqualBorders(pairs.size(), kBlocks));
  const double squares = LoadsPerImage(pairs, SortIntoBlocks(pairs, kImages, kBlocks));
  // A block of p pairs needs sqrt(2 p) images at the very least, here 6.3 loads an image in all.
  EXPECT_LT(squares, 16);
  EXPECT_LT(squares, rows / 2);
}

TEST(SortIntoBlocks, APathOfImagesIsCutAcrossAndNotAlong) {
  std::vector<ImagePair> pairs;
  for (int i = 0; i < 1000; ++i) {
    for (int k = 1; k <= 5 && i + k < 1000; ++k) pairs.emplace_back(i, i + k);
  }
  const auto borders = SortIntoBlocks(pairs, 1000, 20);
  EXPECT_LT(LoadsPerImage(pairs, borders), 1.6);
}

}  // namespace
}  // namespace colmatch
