// Tests of the extractor: what it finds, in what pixels, at what scales.
#include "matcher/feature_extractor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <set>

#include "util/error.h"

namespace colmatch {
namespace {

FeatureExtractor Extractor(int max_num_features = 30, const std::vector<double>& scales = {},
                           bool pooled_descriptors = false) {
  torch::manual_seed(3);
  LoadedSuperPoint weights;
  SuperPointArchitecture architecture{{4, 4, 8, 8}, 8, 12, false};
  architecture.pooled_descriptors = pooled_descriptors;
  weights.network = SuperPoint(architecture);
  weights.network->eval();
  KeypointOptions options;
  options.max_num_features = max_num_features;
  options.keypoint_threshold = 0;
  options.refinement_radius = 0;
  options.scales = scales;
  return {weights, options, torch::kCPU};
}

std::vector<float> RandomPixels(int width, int height) {
  const auto pixels = torch::rand({height * width});
  return {pixels.data_ptr<float>(), pixels.data_ptr<float>() + pixels.numel()};
}

bool SameBytes(const Features& a, const Features& b) {
  return a.keypoints.equal(b.keypoints) && a.scores.equal(b.scores) && a.descriptors.equal(b.descriptors);
}

TEST(FeatureExtractor, FindsKeypointsInsideTheImageWithUnitDescriptors) {
  FeatureExtractor extractor = Extractor();
  const Features features = extractor.Extract(RandomPixels(70, 53).data(), 70, 53);
  EXPECT_EQ(features.size(), 30);
  EXPECT_EQ(features.width, 70);
  EXPECT_EQ(features.height, 53);
  EXPECT_GE(features.keypoints.min().item<double>(), 4);
  EXPECT_LT(features.keypoints.select(1, 0).max().item<double>(), 64 - 4);
  EXPECT_LT(features.keypoints.select(1, 1).max().item<double>(), 48 - 4);
  EXPECT_EQ(features.descriptors.sizes(), (torch::IntArrayRef{12, 30}));
  EXPECT_TRUE(features.descriptors.norm(2, 0).allclose(torch::ones({30}), 1e-4, 1e-5));
  EXPECT_FALSE(features.descriptors.requires_grad());
}

TEST(FeatureExtractor, DescribesKeypointsAsTheTurnedImageWould) {
  constexpr int kWidth = 72, kHeight = 56;
  struct Case {
    int k;
    std::vector<double> scales;
    bool pooled_descriptors = false;
  };
  for (const auto& [k, scales, pooled] : std::vector<Case>{{1, {1}},
                                                           {2, {1}},
                                                           {3, {1}},
                                                           {1, {1.5, 1, 0.5}},
                                                           {3, {2}},
                                                           {1, {2, 1}, true},
                                                           {2, {2, 1}, true}}) {
    FeatureExtractor extractor = Extractor(/*max_num_features=*/1000, scales, pooled);
    const auto pixels = RandomPixels(kWidth, kHeight);
    const auto image = torch::from_blob(const_cast<float*>(pixels.data()), {kHeight, kWidth});
    const auto turned_image = image.rot90(-k, {0, 1}).contiguous();
    const Features expected =
        extractor.Extract(turned_image.data_ptr<float>(), static_cast<int>(turned_image.size(1)),
                          static_cast<int>(turned_image.size(0)));
    // Its keypoints, where they are in the image as it is.
    Features features = expected;
    features.keypoints = TurnPoints(expected.keypoints, expected.width, expected.height, -k);
    const auto turned = extractor.DescribeTurned(pixels.data(), kWidth, kHeight, features);
    EXPECT_TRUE(turned[static_cast<size_t>(k - 1)].allclose(expected.descriptors, 1e-4, 1e-5)) << k;
  }
}

TEST(FeatureExtractor, LooksAtTheImageAtTheScalesAskedForAndElseAtThoseOfTheWeights) {
  LoadedSuperPoint weights;
  SuperPointArchitecture architecture{{4, 4, 8, 8}, 8, 12, false};
  architecture.scales = {1, 0.5};
  weights.network = SuperPoint(architecture);
  KeypointOptions options;
  options.keypoint_threshold = 0;
  EXPECT_EQ(FeatureExtractor(weights, options, torch::kCPU).scales(), architecture.scales);
  options.scales = {1.5, 1};
  FeatureExtractor extractor(weights, options, torch::kCPU);
  EXPECT_EQ(extractor.scales(), options.scales);
  const Features features = extractor.Extract(RandomPixels(90, 60).data(), 90, 60);
  ASSERT_EQ(features.scales.sizes(), (torch::IntArrayRef{features.size()}));
  EXPECT_GT((features.scales < 1).sum().item<int64_t>(), 0);
  EXPECT_GT((features.scales == 1).sum().item<int64_t>(), 0);
}

TEST(FeatureExtractor, DescribesNoKeypointsByNoDescriptors) {
  FeatureExtractor extractor = Extractor();
  const auto turned = extractor.DescribeTurned(RandomPixels(5, 5).data(), 5, 5, {});
  for (const auto& descriptors : turned) EXPECT_EQ(descriptors.sizes(), (torch::IntArrayRef{12, 0}));
}

TEST(FeatureExtractor, TheSameImageTwiceGivesTheSameBytes) {
  FeatureExtractor extractor = Extractor(), again = Extractor();
  const auto pixels = RandomPixels(64, 48);
  const Features first = extractor.Extract(pixels.data(), 64, 48);
  EXPECT_TRUE(SameBytes(first, extractor.Extract(pixels.data(), 64, 48)));
  EXPECT_TRUE(SameBytes(first, again.Extract(pixels.data(), 64, 48)));
}

TEST(FeatureExtractor, AnImageUnder8By8HasNoKeypoints) {
  FeatureExtractor extractor = Extractor();
  for (const auto& [width, height] : {std::pair<int, int>{7, 100}, {100, 7}, {1, 1}, {7, 7}}) {
    const Features features = extractor.Extract(RandomPixels(width, height).data(), width, height);
    EXPECT_EQ(features.keypoints.sizes(), (torch::IntArrayRef{0, 2}));
    EXPECT_EQ(features.scores.sizes(), (torch::IntArrayRef{0}));
    EXPECT_EQ(features.descriptors.sizes(), (torch::IntArrayRef{12, 0}));
    EXPECT_EQ(features.width, width);
    EXPECT_EQ(features.height, height);
  }
}

TEST(FeatureExtractor, TheSmallestImagesHaveNoRoomBetweenTheirBordersButAreFine) {
  FeatureExtractor extractor = Extractor();
  EXPECT_EQ(extractor.Extract(RandomPixels(8, 8).data(), 8, 8).size(), 0);
  EXPECT_GT(extractor.Extract(RandomPixels(16, 16).data(), 16, 16).size(), 0);
}

TEST(FeatureExtractor, OptionsOutOfRangeAreRefused) {
  LoadedSuperPoint weights;
  weights.network = SuperPoint(SuperPointArchitecture{{4, 4, 8, 8}, 8, 12, false});
  KeypointOptions options;
  options.nms_radius = -1;
  EXPECT_THROW(FeatureExtractor(weights, options, torch::kCPU), UsageError);
}

}  // namespace
}  // namespace colmatch
