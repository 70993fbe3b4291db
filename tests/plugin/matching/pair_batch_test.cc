// Pairs gathered for the matchers. Several on the CPU stand for those of several GPUs.
#include "plugin/matching/pair_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>

#include "matcher/devices.h"
#include "matcher/matcher_list.h"
#include "tests/gpu_test.h"
#include "tests/nearest_neighbor_superglue.h"
#include "tests/random_features.h"

namespace colmatch {
namespace {

constexpr int64_t kDim = 8;

MatcherPool Pool(const std::vector<torch::Device>& workers, const std::string& matcher) {
  constexpr size_t kNumPrepared = 3;
  MatcherOptions options;
  options.matcher = matcher;
  LoadedSuperGlue weights;
  if (FindMatcher(matcher).needs_superglue)
    weights = NearestNeighborSuperGlue(SuperGlueArchitecture{kDim, {16, 32}, 2});
  return MatcherPool(workers, [&](torch::Device device) {
    return std::make_unique<CachingMatcher>(MakeMatcher({weights, options, device, {}, {}}),
                                            std::make_shared<PreparedImages>(kNumPrepared));
  });
}

MatcherPool Pool(size_t num_matchers, const std::string& matcher) {
  return Pool(std::vector<torch::Device>(num_matchers, torch::kCPU), matcher);
}

struct MatchedImages {
  uint32_t number0, number1;
  PairRows rows;

  bool SamePairs(const MatchedImages& other) const {
    return number0 == other.number0 && number1 == other.number1 && rows.matches == other.rows.matches;
  }
  bool operator==(const MatchedImages& other) const {
    return SamePairs(other) && rows.confidences == other.rows.confidences;
  }
};

// All pairs of these images, in order; `errors` counts what came instead of the rest.
std::vector<MatchedImages> MatchAll(MatcherPool& matchers, size_t batch_size,
                                    const std::vector<Features>& images, int* errors = nullptr) {
  std::vector<MatchedImages> matched;
  PairBatch batch(matchers, batch_size);
  try {
    for (uint32_t i = 0; i < images.size(); ++i) {
      for (uint32_t j = i + 1; j < images.size(); ++j) {
        batch.Add({i, images[i]}, {j, images[j]}, [&matched, i, j](const PairRows& rows) {
          matched.push_back({i, j, rows});
        });
      }
    }
    batch.Finish();
  } catch (const c10::Error&) {
    if (errors == nullptr) throw;
    ++*errors;
  }
  batch.Finish();  // nothing waits any more
  return matched;
}

std::vector<Features> Images() {
  std::vector<Features> images = {RandomFeatures(30, kDim)};
  for (const int64_t n : {30, 0, 12, 30, 1, 25}) {
    Features image = Shuffled(images.front(), 0.1);
    image.keypoints = image.keypoints.narrow(0, 0, n);
    image.scores = image.scores.narrow(0, 0, n);
    image.descriptors = image.descriptors.narrow(1, 0, n);
    images.push_back(image);
  }
  return images;
}

TEST(PairBatch, EveryPairGetsItsOwnMatchesInOrder) {
  for (const size_t num_matchers : {1, 2}) {
    MatcherPool matchers = Pool(num_matchers, "nn_mutual");
    PairBatch batch(matchers);
    std::vector<size_t> sizes;
    for (const uint32_t n : {9, 0, 4, 9}) {
      const Features features = RandomFeatures(n, kDim);
      batch.Add({n, features}, {n, features}, [&](const PairRows& rows) {
        EXPECT_EQ(rows.matches.size(), rows.confidences.size());
        sizes.push_back(rows.matches.size());
      });
    }
    batch.Finish();
    EXPECT_THAT(sizes, testing::ElementsAre(9, 0, 4, 9));
  }
}

TEST(PairBatch, OneMatcherHandsEachPairBackAtOnce) {
  MatcherPool matchers = Pool(1, "nn_mutual");
  PairBatch batch(matchers);
  const Features features = RandomFeatures(5, kDim);
  int handed_back = 0;
  for (int i = 1; i <= 3; ++i) {
    batch.Add({0, features}, {1, features}, [&](const PairRows&) { ++handed_back; });
    EXPECT_EQ(handed_back, i);
  }
}

TEST(PairBatch, AnyNumberOfMatchersAndBatchesOfAnySizeGiveTheSameRows) {
  const auto images = Images();
  MatcherPool alone = Pool(1, "superglue");
  const auto expected = MatchAll(alone, 1, images);
  ASSERT_EQ(expected.size(), 21u);
  EXPECT_GT(expected.front().rows.matches.size(), 20u);
  for (const size_t num_matchers : {2, 3}) {
    MatcherPool matchers = Pool(num_matchers, "superglue");
    for (const size_t batch_size : {1, 4, 100}) {
      EXPECT_EQ(MatchAll(matchers, batch_size, images), expected) << num_matchers << ", " << batch_size;
      EXPECT_TRUE(MatchAll(matchers, batch_size, {}).empty());
    }
  }
}

class PairBatchOnGpus : public GpuTest {};

TEST_F(PairBatchOnGpus, AllWorkersGiveTheRowsOfOneInOrder) {
  const auto images = Images();
  MatcherPool alone = Pool({DeviceFromName("cuda")}, "superglue");
  MatcherPool all = Pool(WorkersOn(DevicesFromName("cuda"), 1), "superglue");
  for (int round = 0; round < 20; ++round) {
    const auto expected = MatchAll(alone, 4, images), found = MatchAll(all, 4, images);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(found[i].SamePairs(expected[i])) << i;
  }
}

// Images 0 and 3 have descriptors of different lengths: theirs is the third pair.
TEST(PairBatch, AnErrorComesOnceAndTheBatchesBeforeItStay) {
  auto images = Images();
  images[3] = RandomFeatures(7, kDim + 1);
  const std::map<size_t, size_t> kept = {{1, 2}, {2, 2}, {3, 0}, {100, 0}};  // of batches of so many
  for (int round = 0; round < 60; ++round) {
    MatcherPool matchers = Pool(1 + static_cast<size_t>(round % 3), "nn_mutual");
    for (const auto& [batch_size, pairs] : kept) {
      int errors = 0;
      EXPECT_EQ(MatchAll(matchers, batch_size, images, &errors).size(), pairs) << batch_size;
      EXPECT_EQ(errors, 1);
    }
  }
}

TEST(PairBatch, LeftInTheMiddleDoesNotCallBackAnyMore) {
  for (int round = 0; round < 50; ++round) {
    MatcherPool matchers = Pool(3, "nn_mutual");
    int handed_back = 0;
    {
      PairBatch batch(matchers, 2);
      for (uint32_t i = 0; i < 15; ++i)
        batch.Add({i, RandomFeatures(20, kDim)}, {i + 100, RandomFeatures(20, kDim)},
                  [&](const PairRows&) { ++handed_back; });
    }
    const int before = handed_back;
    MatchAll(matchers, 1, Images());  // waits for what was begun
    EXPECT_EQ(handed_back, before);
  }
}

}  // namespace
}  // namespace colmatch
