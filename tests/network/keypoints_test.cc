// Keypoint selection and descriptor sampling.
#include "network/keypoints.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <set>
#include <utility>

#include "tests/network/tensor_near.h"
#include "util/error.h"

namespace colmatch {
namespace {

KeypointOptions Options(int max_num_features, double threshold, int radius, int borders) {
  KeypointOptions options;
  options.max_num_features = max_num_features;
  options.keypoint_threshold = threshold;
  options.nms_radius = radius;
  options.remove_borders = borders;
  options.refinement_radius = 0;
  return options;
}

std::set<std::pair<float, float>> Positions(const Keypoints& keypoints) {
  std::set<std::pair<float, float>> positions;
  for (int64_t i = 0; i < keypoints.xy.size(0); ++i) {
    positions.emplace(keypoints.xy[i][0].item<float>(), keypoints.xy[i][1].item<float>());
  }
  return positions;
}

TEST(NonMaximumSuppression, LeavesNoTwoSurvivorsWithinTheRadius) {
  for (const int radius : {1, 2, 4}) {
    const Keypoints kept = SelectKeypoints(torch::rand({61, 83}), Options(0, 0, radius, 0));
    ASSERT_GT(kept.xy.size(0), 10);
    auto distance = (kept.xy.unsqueeze(0) - kept.xy.unsqueeze(1)).abs().amax(2);  // the larger of dx and dy
    distance.fill_diagonal_(1e9);
    EXPECT_GT(distance.min().item<float>(), radius);
  }
}

TEST(NonMaximumSuppression, KeepsEveryMaximumOfItsWindowUnchanged) {
  const auto scores = torch::rand({2, 40, 55});
  const auto suppressed = NonMaximumSuppression(scores, 3);
  const auto maxima = scores == torch::max_pool2d(scores, 7, 1, 3);
  EXPECT_TRUE(torch::equal(suppressed.masked_select(maxima), scores.masked_select(maxima)));
  EXPECT_TRUE(((suppressed == scores) | (suppressed == 0)).all().item<bool>());
}

// In double it is the published formula in LibTorch's operations, in float32 the CPU's own.
TEST(NonMaximumSuppression, IsThePublishedFormula) {
  for (const auto& [height, width] : {std::pair<int, int>{1, 1}, {1, 50}, {37, 3}, {40, 64}, {61, 83}}) {
    for (const int radius : {1, 2, 4, 7}) {
      auto scores = torch::rand({2, height, width});
      scores[1] = (scores[1] * 8).round() / 8;  // plateaus
      EXPECT_TRUE(torch::equal(NonMaximumSuppression(scores, radius),
                               NonMaximumSuppression(scores.to(torch::kDouble), radius).to(torch::kFloat)))
          << height << " x " << width << ", radius " << radius;
    }
  }
}

TEST(NonMaximumSuppression, RadiusZeroKeepsEverything) {
  const auto scores = torch::rand({1, 9, 9});
  EXPECT_TRUE(torch::equal(NonMaximumSuppression(scores, 0), scores));
}

TEST(SelectKeypoints, GivesXyAndScoreOfItsPixel) {
  auto scores = torch::zeros({30, 50});
  scores[12][34] = 0.5;
  const Keypoints keypoints = SelectKeypoints(scores, Options(10, 0.1, 4, 4));
  EXPECT_TRUE(torch::equal(keypoints.xy, torch::tensor({{34.0f, 12.0f}})));
  EXPECT_FLOAT_EQ(keypoints.scores[0].item<float>(), 0.5);
}

// In double it is LibTorch's operations, in float32 the CPU's own.
TEST(SelectKeypoints, AreTheSameInFloatAndInDouble) {
  for (const double threshold : {0.0, 0.4, 0.9}) {
    for (const int border : {0, 4}) {
      const auto scores = torch::rand({61, 83});
      const KeypointOptions options = Options(0, threshold, 3, border);
      const Keypoints kept = SelectKeypoints(scores, options),
                      expected = SelectKeypoints(scores.to(torch::kDouble), options);
      EXPECT_TRUE(torch::equal(kept.xy, expected.xy)) << threshold << ", border " << border;
      EXPECT_TRUE(torch::equal(kept.scores, expected.scores.to(torch::kFloat)));
    }
  }
}

TEST(SelectKeypoints, RaisingTheThresholdGivesASubset) {
  const auto scores = torch::rand({64, 64});
  auto larger = Positions(SelectKeypoints(scores, Options(0, 0.1, 4, 4)));
  for (const double threshold : {0.9, 0.97, 0.99}) {
    const auto smaller = Positions(SelectKeypoints(scores, Options(0, threshold, 4, 4)));
    EXPECT_LT(smaller.size(), larger.size());
    for (const auto& position : smaller) EXPECT_EQ(larger.count(position), 1u);
    larger = smaller;
  }
}

TEST(SelectKeypoints, BordersHoldNone) {
  const Keypoints keypoints = SelectKeypoints(torch::rand({37, 53}), Options(0, 0, 0, 5));
  EXPECT_EQ(keypoints.xy.size(0), (37 - 10) * (53 - 10));  // radius 0: every pixel inside
  EXPECT_EQ(keypoints.xy.select(1, 0).min().item<float>(), 5);
  EXPECT_EQ(keypoints.xy.select(1, 0).max().item<float>(), 53 - 6);
  EXPECT_EQ(keypoints.xy.select(1, 1).min().item<float>(), 5);
  EXPECT_EQ(keypoints.xy.select(1, 1).max().item<float>(), 37 - 6);
}

TEST(SelectKeypoints, TheStrongestAreKeptInFallingOrder) {
  const auto scores = torch::rand({64, 96});
  const Keypoints all = SelectKeypoints(scores, Options(0, 0.01, 2, 4)),
                  some = SelectKeypoints(scores, Options(20, 0.01, 2, 4));
  ASSERT_GT(all.scores.size(0), 20);
  EXPECT_TRUE(
      torch::equal(some.scores, std::get<0>(all.scores.sort(0, /*descending=*/true)).narrow(0, 0, 20)));
}

TEST(SelectKeypoints, FlatOrTinyImagesGiveNone) {
  EXPECT_EQ(SelectKeypoints(torch::zeros({64, 64}), KeypointOptions()).xy.sizes(),
            (torch::IntArrayRef{0, 2}));
  EXPECT_EQ(SelectKeypoints(torch::rand({8, 64}), KeypointOptions()).xy.sizes(), (torch::IntArrayRef{0, 2}));
}

TEST(KeypointOptions, NamesTheBadField) {
  for (const KeypointOptions& bad :
       {Options(1, -0.1, 4, 4), Options(1, 1, 4, 4), Options(1, NAN, 4, 4), Options(1, 0.1, -1, 4),
        Options(1, 0.1, 65, 4), Options(1, 0.1, 4, -1)}) {
    EXPECT_THROW(bad.Validate(), UsageError);
  }
  KeypointOptions bad_radius;
  bad_radius.refinement_radius = -2;
  EXPECT_THROW(bad_radius.Validate(), UsageError);
  EXPECT_NO_THROW(KeypointOptions().Validate());
}

// A bump of the given centre and standard deviation, pixels.
torch::Tensor Bump(double x, double y, double sigma) {
  const auto dx = torch::arange(40).to(torch::kFloat) - x, dy = torch::arange(30).to(torch::kFloat) - y;
  return torch::exp(-(dy.square().unsqueeze(1) + dx.square().unsqueeze(0)) / (2 * sigma * sigma));
}

TEST(MoveToPeaks, GoToTheTopOfAResponseWithinTheRadius) {
  for (const auto& [x, y] :
       {std::pair<float, float>{20, 12}, {20.4f, 11.7f}, {19.6f, 12.3f}, {20.25f, 12.4f}}) {
    const auto near = torch::tensor({{std::round(x) + 3, std::round(y) - 2}});
    EXPECT_TRUE(TensorsNear(MoveToPeaks(near, Bump(x, y, 2), 3), torch::tensor({{x, y}}), 0.05))
        << x << ", " << y;
  }
}

TEST(MoveToPeaks, StayWithinTheRadiusAndInTheImage) {
  const auto xy = torch::tensor({{0.0f, 0.0f}, {39.0f, 29.0f}, {39.0f, 0.0f}, {17.0f, 12.0f}});
  for (const int radius : {1, 2, 4}) {
    const auto moved = MoveToPeaks(xy, torch::rand({30, 40}), radius);
    EXPECT_LE((moved - xy).abs().max().item<float>(), radius + 0.5);
    EXPECT_GE(moved.min().item<float>(), 0);
    EXPECT_LE(moved.select(1, 0).max().item<float>(), 39);
    EXPECT_LE(moved.select(1, 1).max().item<float>(), 29);
  }
}

TEST(MoveToPeaks, StayWhereNoPeakIsInReach) {
  const auto bump = Bump(20, 12, 4);
  const auto near = torch::tensor({{23.0f, 12.0f}}), far = torch::tensor({{24.0f, 12.0f}});
  EXPECT_FALSE(torch::equal(MoveToPeaks(near, bump, 3), near));
  EXPECT_TRUE(torch::equal(MoveToPeaks(far, bump, 3), far)) << "the slope leads there, but it is no peak";
  EXPECT_TRUE(torch::equal(MoveToPeaks(near, torch::zeros({30, 40}), 3), near));
}

TEST(MoveToPeaks, GoToTheStrongestOfSeveral) {
  const auto response = Bump(18, 12, 1) + 2 * Bump(24, 12, 1);
  const auto moved = MoveToPeaks(torch::tensor({{20.0f, 12.0f}}), response, 4);
  EXPECT_TRUE(TensorsNear(moved, torch::tensor({{24.0f, 12.0f}}), 0.05));
}

// In double it is LibTorch's operations, in float32 the CPU's own.
TEST(MoveToPeaks, AreTheSameInFloatAndInDouble) {
  const auto response = torch::rand({30, 40});
  const auto xy = torch::stack({torch::randint(0, 40, {200}), torch::randint(0, 30, {200})}, 1);
  for (const int radius : {1, 2, 4}) {
    for (const int border : {0, 3}) {
      const auto moved = MoveToPeaks(xy.to(torch::kFloat), response, radius, border);
      const auto expected = MoveToPeaks(xy.to(torch::kDouble), response.to(torch::kDouble), radius, border);
      EXPECT_TRUE(TensorsNear(moved, expected, 1e-4)) << "radius " << radius << ", border " << border;
    }
  }
}

TEST(MoveToPeaks, AreNotPulledIntoTheBorder) {
  const auto start = torch::tensor({{6.0f, 12.0f}});
  EXPECT_TRUE(torch::equal(MoveToPeaks(start, Bump(2, 12, 3), 4, 5), start));
  const auto moved = MoveToPeaks(start, Bump(2, 12, 1) + 0.1 * Bump(8, 12, 1), 4, 5);
  EXPECT_TRUE(TensorsNear(moved, torch::tensor({{8.0f, 12.0f}}), 0.05)) << "the weaker one inside attracts";
}

TEST(SelectKeypoints, OfThoseThatMeetAtOnePeakTheStrongestStays) {
  auto scores = torch::zeros({30, 40});
  scores[12][17] = 0.5;
  scores[12][23] = 0.7;
  scores[20][30] = 0.6;
  KeypointOptions options = Options(10, 0.1, 4, 4);
  options.refinement_radius = 3;
  const Keypoints moved = SelectKeypoints(scores, options, Bump(20, 12, 2));
  ASSERT_EQ(moved.xy.size(0), 2);
  EXPECT_TRUE(TensorsNear(moved.xy[0], torch::tensor({20.0f, 12.0f}), 0.05));
  EXPECT_FLOAT_EQ(moved.scores[0].item<float>(), 0.7f);
  EXPECT_FLOAT_EQ(moved.scores[1].item<float>(), 0.6f);
}

TEST(SelectKeypoints, WithoutARadiusOrAResponseStayOnWholePixels) {
  const auto scores = torch::rand({64, 96});
  KeypointOptions options = Options(50, 0.01, 4, 4);
  const Keypoints published = SelectKeypoints(scores, options, torch::rand({64, 96}));
  options.refinement_radius = 3;
  EXPECT_TRUE(torch::equal(published.xy, SelectKeypoints(scores, options).xy));
  EXPECT_TRUE(torch::equal(published.xy, published.xy.round()));
}

TEST(MoveToCentroids, FindTheMiddleOfABumpBetweenPixels) {
  const auto scores = torch::zeros({20, 30});
  scores[9][12] = 0.4;
  scores[9][13] = 0.2;
  scores[10][12] = 0.1;
  scores[9][15] = 0.9;  // outside of the window
  const auto moved = MoveToCentroids(torch::tensor({{12.0f, 9.0f}}), scores, 1);
  EXPECT_TRUE(TensorsNear(moved, torch::tensor({{12 + 0.2f / 0.7f, 9 + 0.1f / 0.7f}}), 1e-5));
}

TEST(MoveToCentroids, AtTheBorderCountWhatIsInTheMap) {
  const auto xy = torch::tensor({{0.0f, 0.0f}, {29.0f, 19.0f}});
  const auto moved = MoveToCentroids(xy, torch::ones({20, 30}), 1);
  EXPECT_TRUE(TensorsNear(moved, torch::tensor({{0.5f, 0.5f}, {28.5f, 18.5f}}), 1e-5));
  EXPECT_TRUE(torch::equal(MoveToCentroids(xy, torch::zeros({20, 30}), 1), xy)) << "nothing there pulls";
}

TEST(SelectKeypoints, AreRefinedByTheScoresWhereTheWeightsSaySo) {
  const auto scores = torch::rand({64, 96});
  KeypointOptions options = Options(50, 0.01, 4, 4);
  const Keypoints whole = SelectKeypoints(scores, options);
  options.refinement_radius = 1;
  options.refinement = Refinement::kScores;
  const Keypoints refined = SelectKeypoints(scores, options, torch::rand({64, 96}));
  EXPECT_TRUE(torch::equal(refined.scores, whole.scores));
  EXPECT_TRUE(TensorsNear(refined.xy, MoveToCentroids(whole.xy, scores, 1), 1e-6));
  EXPECT_FALSE(torch::equal(refined.xy, whole.xy));
}

// The published stretching: 3.5 pixels is the first cell, the last pixel the last cell, their middle the
// middle cell.
TEST(SampleDescriptors, AtTheNodesOfTheGridGiveTheCellsDescriptor) {
  const auto dense = torch::nn::functional::normalize(torch::randn({1, 6, 5, 9}),
                                                      torch::nn::functional::NormalizeFuncOptions().dim(1));
  const float last_x = 9 * 8 - 1, last_y = 5 * 8 - 1;
  const auto keypoints = torch::tensor(
      {{3.5f, 3.5f}, {last_x, 3.5f}, {3.5f, last_y}, {(3.5f + last_x) / 2, (3.5f + last_y) / 2}});
  const auto sampled = SampleDescriptors(keypoints.unsqueeze(0), dense)[0];
  const std::pair<int64_t, int64_t> cells[] = {{0, 0}, {0, 8}, {4, 0}, {2, 4}};
  for (int64_t i = 0; i < 4; ++i) {
    const auto expected = dense[0].select(1, cells[i].first).select(1, cells[i].second);
    EXPECT_TRUE(TensorsNear(sampled.select(1, i), expected, 1e-5)) << "keypoint " << i;
  }
}

TEST(SampleDescriptors, AtTheMiddleOfACellGiveItsDescriptorWhereCellCentresAreAskedFor) {
  const auto dense = torch::nn::functional::normalize(torch::randn({1, 6, 5, 9}),
                                                      torch::nn::functional::NormalizeFuncOptions().dim(1));
  const auto keypoints = torch::tensor({{3.5f, 3.5f}, {8 * 8 + 3.5f, 3.5f}, {2 * 8 + 3.5f, 4 * 8 + 3.5f}});
  const auto sampled = SampleDescriptors(keypoints.unsqueeze(0), dense, DescriptorSampling::kCellCentres)[0];
  const std::pair<int64_t, int64_t> cells[] = {{0, 0}, {0, 8}, {4, 2}};
  for (int64_t i = 0; i < 3; ++i) {
    const auto expected = dense[0].select(1, cells[i].first).select(1, cells[i].second);
    EXPECT_TRUE(TensorsNear(sampled.select(1, i), expected, 1e-5)) << "keypoint " << i;
  }
}

TEST(SampleDescriptors, AreUnitColumns) {
  const auto sampled = SampleDescriptors(torch::rand({2, 100, 2}) * 70, torch::randn({2, 6, 8, 9}));
  EXPECT_EQ(sampled.sizes(), (torch::IntArrayRef{2, 6, 100}));
  EXPECT_TRUE(TensorsNear(sampled.norm(2, 1), torch::ones({2, 100}), 1e-5));
}

TEST(ExtractFeatures, AnyImageSizeGivesKeypointsInsideTheImage) {
  SuperPointArchitecture small;
  small.encoder_widths = {4, 4, 8, 8};
  small.head_width = 8;
  small.descriptor_dim = 12;
  SuperPoint network(small);
  torch::NoGradGuard no_grad;
  for (const auto& [height, width] : {std::pair<int, int>{8, 8}, {9, 31}, {37, 53}, {64, 40}}) {
    const Features features =
        ExtractFeatures(network, torch::rand({1, 1, height, width}), Options(0, 0, 2, 0));
    EXPECT_EQ(features.width, width);
    EXPECT_EQ(features.height, height);
    ASSERT_GT(features.size(), 0);
    EXPECT_LE(features.keypoints.select(1, 0).max().item<float>(), width - 1);
    EXPECT_LE(features.keypoints.select(1, 1).max().item<float>(), height - 1);
    EXPECT_EQ(features.descriptors.sizes(), (torch::IntArrayRef{12, features.size()}));
    EXPECT_TRUE(torch::isfinite(features.descriptors).all().item<bool>());
  }
  const Features none = ExtractFeatures(network, torch::rand({1, 1, 37, 53}), Options(0, 0.999, 2, 0));
  EXPECT_EQ(none.size(), 0);
  EXPECT_EQ(none.descriptors.sizes(), (torch::IntArrayRef{12, 0}));
}

}  // namespace
}  // namespace colmatch
