// Tests of quarter turns: places, descriptors, and the vote.
#include "matcher/turn.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/random_features.h"

namespace colmatch {
namespace {

constexpr int64_t kPoints = 60, kDim = 32;

// Turned descriptors of nothing.
TurnedDescriptors Noise() {
  TurnedDescriptors turned;
  for (torch::Tensor& descriptors : turned) descriptors = RandomFeatures(kPoints, kDim).descriptors;
  return turned;
}

TEST(TurnPoints, AMarkedPixelIsFoundWhereTheTurnedImageHasIt) {
  constexpr int kWidth = 7, kHeight = 4;
  for (int k = -1; k <= 5; ++k) {
    auto image = torch::zeros({kHeight, kWidth});
    image[1][5] = 1;
    const auto turned = image.rot90(-k, {0, 1});  // clockwise
    const auto place = TurnPoints(torch::tensor({{5.f, 1.f}}), kWidth, kHeight, k)[0];
    EXPECT_EQ(turned[place[1].item<int64_t>()][place[0].item<int64_t>()].item<float>(), 1) << k;
  }
}

TEST(TurnPoints, FourQuarterTurnsAreNone) {
  const auto xy = torch::rand({5, 2}) * 100;
  EXPECT_TRUE(TurnPoints(xy, 160, 120, 4).equal(xy));
  EXPECT_EQ(TurnPoints(torch::zeros({0, 2}), 160, 120, 1).sizes(), (torch::IntArrayRef{0, 2}));
}

TEST(TurnFeatures, KeepsIndicesAndScoresAndSwapsTheSizeOfAnOddTurn) {
  const Features features = RandomFeatures(kPoints, kDim);
  const TurnedDescriptors turned = Noise();
  for (int k = 0; k < 4; ++k) {
    const Features seen = TurnFeatures(features, turned, k);
    EXPECT_TRUE(seen.scores.equal(features.scores));
    EXPECT_EQ(seen.width, k % 2 == 0 ? 160 : 120) << k;
    EXPECT_EQ(seen.height, k % 2 == 0 ? 120 : 160) << k;
    EXPECT_TRUE(seen.descriptors.equal(k == 0 ? features.descriptors : turned[static_cast<size_t>(k - 1)]));
    EXPECT_LT(seen.keypoints.select(1, 0).max().item<float>(), static_cast<float>(seen.width));
    EXPECT_LT(seen.keypoints.select(1, 1).max().item<float>(), static_cast<float>(seen.height));
  }
}

TEST(ChooseTurn, FindsTheTurnWhoseDescriptorsFit) {
  const Features features0 = RandomFeatures(kPoints, kDim), features1 = RandomFeatures(kPoints, kDim);
  for (int k = 1; k <= 3; ++k) {
    TurnedDescriptors turned = Noise();
    turned[static_cast<size_t>(k - 1)] = features0.descriptors.to(torch::kHalf);
    EXPECT_EQ(ChooseTurn(features0, features1, turned, {}), k);
  }
}

TEST(ChooseTurn, LeavesAPhotoAsItIsThatFitsAsItIs) {
  const Features features0 = RandomFeatures(kPoints, kDim);
  TurnedDescriptors turned = Noise();
  turned[0] = features0.descriptors;  // no better than as it is
  EXPECT_EQ(ChooseTurn(features0, Shuffled(features0, 0.01), turned, {}), 0);
}

TEST(ChooseTurn, IsNotDecidedByFewVotes) {
  const Features features0 = RandomFeatures(kPoints, kDim), features1 = RandomFeatures(kPoints, kDim);
  TurnedDescriptors turned = Noise();
  EXPECT_EQ(ChooseTurn(features0, features1, turned, {}), 0);
  turned[1] = features0.descriptors;
  TurnOptions options;
  options.min_votes = kPoints + 1;
  EXPECT_EQ(ChooseTurn(features0, features1, turned, options), 0);
}

TEST(ChooseTurn, WithoutKeypointsNothingTurns) {
  const Features none = RandomFeatures(0, kDim);
  TurnedDescriptors turned;
  turned.fill(torch::zeros({kDim, 0}));
  EXPECT_EQ(ChooseTurn(none, none, turned, {}), 0);
}

}  // namespace
}  // namespace colmatch
