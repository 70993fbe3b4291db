// Which photos follow which, and rigs.
#include "plugin/pairs/sequential_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "util/error.h"

namespace colmatch {
namespace {

using testing::UnorderedElementsAre;

// n images with ids from 1, named so that their order is that of their ids.
std::vector<Image> Sequence(int n) {
  std::vector<Image> images;
  for (int i = 0; i < n; ++i)
    images.push_back({static_cast<image_t>(i + 1), std::to_string(10000 + i) + ".jpg", 1, {}});
  return images;
}

std::set<ImagePair> PairsOf(const std::vector<Image>& images, const SequentialOptions& options,
                            const std::vector<std::vector<image_t>>& frames = {}) {
  ListedPairs source(SequentialPairs(images, frames, options));
  std::set<ImagePair> pairs;
  for (auto block = source.Next(); !block.empty(); block = source.Next())
    pairs.insert(block.begin(), block.end());
  return pairs;
}

TEST(SequentialPairs, AreThoseWithinTheOverlapAndThePowersOfTwo) {
  for (const int n : {0, 1, 2, 3, 12, 70}) {
    for (const int overlap : {1, 2, 3, 10, 1000000000}) {
      for (const bool quadratic : {false, true}) {
        std::set<ImagePair> expected;
        for (int i = 0; i < n; ++i) {
          for (int j = i + 1; j < n; ++j) {
            const int d = j - i;
            const bool is_power = (d & (d - 1)) == 0;
            const bool in_reach = is_power && (overlap > 30 || d <= 1 << (overlap - 1));
            if (d <= overlap || (quadratic && in_reach)) expected.emplace(i, j);
          }
        }
        EXPECT_EQ(PairsOf(Sequence(n), {overlap, quadratic, true}), expected)
            << n << " images, overlap " << overlap << ", quadratic " << quadratic;
      }
    }
  }
}

TEST(SequentialPairs, NumbersInNamesCountByTheirValue) {
  const std::vector<std::string> in_order = {"a/frame_1.jpg",  "a/frame_2.jpg",
                                             "a/frame_10.jpg", "a/frame_010.png",
                                             "b/1.jpg",        "b/1a.jpg",
                                             "b/2_9.jpg",      "b/2_11.jpg",
                                             "b/00012.jpg",    "b/123456789012345678901234567890.jpg"};
  for (size_t i = 0; i < in_order.size(); ++i) {
    for (size_t j = 0; j < in_order.size(); ++j) {
      EXPECT_EQ(IsBeforeInSequence(in_order[i], in_order[j]), i < j) << in_order[i] << ' ' << in_order[j];
    }
  }
  std::vector<Image> images;
  for (int i = 1; i <= 12; ++i)
    images.push_back({static_cast<image_t>(i), "frame_" + std::to_string(i) + ".jpg", 1, {}});
  EXPECT_THAT(OrderByName(images), testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

TEST(SequentialPairs, FollowTheNamesNotTheIds) {
  std::vector<Image> images = Sequence(40);
  const auto expected = PairsOf(images, {});
  std::vector<int> to(images.size());
  std::iota(to.begin(), to.end(), 0);
  std::shuffle(to.begin(), to.end(), std::mt19937(3));
  std::vector<Image> shuffled(images.size());
  for (size_t i = 0; i < images.size(); ++i) {
    shuffled[to[i]] = images[i];
    shuffled[to[i]].image_id = static_cast<image_t>(to[i] + 1);
  }
  std::set<ImagePair> moved;
  for (const auto& [i, j] : expected) moved.insert(std::minmax(to[i], to[j]));
  EXPECT_EQ(PairsOf(shuffled, {}), moved);
}

TEST(SequentialPairs, ImagesOfARigArePairedWithTheirFrameAndTheFollowingFrames) {
  // Two cameras, three frames; by name one camera's photos follow the other's.
  std::vector<Image> images;
  for (image_t i = 0; i < 6; ++i)
    images.push_back({i + 1, (i < 3 ? "left/" : "right/") + std::to_string(i % 3), i < 3 ? 1u : 2u, {}});
  const std::vector<std::vector<image_t>> frames = {{1, 4}, {2, 5}, {3, 6}};
  EXPECT_THAT(PairsOf(images, {1, false, true}, frames),
              UnorderedElementsAre(ImagePair(0, 3), ImagePair(1, 4), ImagePair(2, 5),  // the frames
                                   ImagePair(0, 1), ImagePair(1, 2), ImagePair(3, 4), ImagePair(4, 5),
                                   ImagePair(0, 4), ImagePair(1, 5), ImagePair(1, 3), ImagePair(2, 4)))
      << "2 and 3 follow each other by name only";
  EXPECT_THAT(PairsOf(images, {1, false, false}, frames),
              UnorderedElementsAre(ImagePair(0, 1), ImagePair(1, 2), ImagePair(2, 3), ImagePair(3, 4),
                                   ImagePair(4, 5)));
}

TEST(SequentialPairs, OfFramesWhoseImagesHaveNoFeaturesAreThoseOfTheOthers) {
  std::vector<Image> images = Sequence(2);
  EXPECT_THAT(PairsOf(images, {}, {{1, 77}, {2, 78}}), UnorderedElementsAre(ImagePair(0, 1)));
}

TEST(SequentialPairs, AnOverlapBelowOneIsRefused) {
  EXPECT_THROW(SequentialPairs(Sequence(3), {}, {0, true, true}), UsageError);
}

}  // namespace
}  // namespace colmatch
