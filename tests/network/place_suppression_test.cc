// Tests of suppression across the levels of a pyramid: one place, one keypoint.
#include "network/place_suppression.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

namespace colmatch {
namespace {

struct Point {
  float x, y, score, scale;
};

// The descriptor of the i-th is (i, 0).
Features FeaturesOf(const std::vector<Point>& points) {
  const auto n = static_cast<int64_t>(points.size());
  Features features{torch::zeros({n, 2}), torch::zeros({n}), torch::zeros({2, n}), 640, 480,
                    torch::ones({n})};
  for (int64_t i = 0; i < n; ++i) {
    features.keypoints[i][0] = points[i].x;
    features.keypoints[i][1] = points[i].y;
    features.scores[i] = points[i].score;
    features.scales[i] = points[i].scale;
    features.descriptors[0][i] = i;
  }
  return features;
}

std::vector<int> Kept(const Features& features) {
  std::vector<int> kept;
  for (int64_t i = 0; i < features.size(); ++i) kept.push_back(features.descriptors[0][i].item<int>());
  return kept;
}

TEST(PlaceSuppression, TheStrongestOfAPlaceStaysAsItIs) {
  const Features features =
      OneFeaturePerPlace(FeaturesOf({{50, 50, 0.4f, 1}, {51, 50, 0.9f, 2}, {49, 51, 0.5f, 1.4f}}), 3, 0);
  EXPECT_EQ(Kept(features), (std::vector<int>{1}));
  EXPECT_EQ(features.keypoints[0][0].item<float>(), 51);
  EXPECT_EQ(features.scales[0].item<float>(), 2);
  EXPECT_EQ(features.scores[0].item<float>(), 0.9f);
  EXPECT_EQ(features.width, 640);
}

TEST(PlaceSuppression, TheBudgetCountsPlacesAndTakesTheStrongest) {
  const Features features = OneFeaturePerPlace(
      FeaturesOf(
          {{10, 10, 0.5f, 1}, {50, 50, 0.9f, 1}, {50, 51, 0.8f, 2}, {51, 50, 0.7f, 1.4f}, {90, 50, 0.6f, 1}}),
      3, 2);
  EXPECT_EQ(Kept(features), (std::vector<int>{1, 4}));
}

TEST(PlaceSuppression, OfEquallyStrongOnesTheFirstStays) {
  EXPECT_EQ(
      Kept(OneFeaturePerPlace(FeaturesOf({{50, 50, 0.5f, 1}, {51, 50, 0.5f, 2}, {9, 9, 0.5f, 1}}), 3, 0)),
      (std::vector<int>{0, 2}));
}

TEST(PlaceSuppression, KeptPlacesAreTheRadiusApartAndCoverTheRest) {
  std::vector<Point> line;  // also left of and above the first pixel, and across the cells of the grid
  for (int i = 0; i < 200; ++i)
    line.push_back({0.37f * i - 20, 0.11f * i - 5, 0.1f + 0.001f * (i * 37 % 200), 1});
  const Features all = FeaturesOf(line), features = OneFeaturePerPlace(all, 3, 0);
  ASSERT_GT(features.size(), 15);
  const auto apart = torch::cdist(features.keypoints, features.keypoints) + 100 * torch::eye(features.size());
  EXPECT_GE(apart.min().item<float>(), 3 - 1e-4);
  EXPECT_LT(torch::cdist(all.keypoints, features.keypoints).amin(1).max().item<float>(), 3);
}

TEST(PlaceSuppression, WithoutARadiusOrFeaturesNothingIsSuppressed) {
  const Features features = FeaturesOf({{50, 50, 0.4f, 1}, {51, 50, 0.9f, 2}});
  EXPECT_EQ(OneFeaturePerPlace(features, 0, 0).size(), 2);
  EXPECT_EQ(Kept(OneFeaturePerPlace(features, 0, 1)), (std::vector<int>{1}));
  EXPECT_EQ(OneFeaturePerPlace(FeaturesOf({}), 3, 5).size(), 0);
}

}  // namespace
}  // namespace colmatch
