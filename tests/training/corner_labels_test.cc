// Tests of keypoint labels: corners are found where they are, whatever the rotation, and repeatably.
#include "training/corner_labels.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "tests/test_seed.h"

namespace colmatch {
namespace {

constexpr int kSize = 96;

FloatImage Flat(float value) { return {kSize, kSize, std::vector<float>(kSize * kSize, value)}; }

void Fill(FloatImage& image, int x0, int y0, int x1, int y1, float value) {
  for (int y = y0; y <= y1; ++y) std::fill(image.row(y) + x0, image.row(y) + x1 + 1, value);
}

// Pixels 30 .. 65 both ways.
FloatImage WhiteSquare() {
  FloatImage image = Flat(0);
  Fill(image, 30, 30, 65, 65, 1);
  return image;
}

// Rectangles of random grey, far enough from each other to be labels of their own.
FloatImage Rectangles() {
  FloatImage image = Flat(0.1f);
  Rng rng(4, 0, 0);
  for (int i = 0; i < 9; ++i) {
    const int x = 8 + 30 * (i % 3) + static_cast<int>(rng.Below(4)),
              y = 8 + 30 * (i / 3) + static_cast<int>(rng.Below(4));
    const int width = 12 + static_cast<int>(rng.Below(6)), height = 12 + static_cast<int>(rng.Below(6));
    Fill(image, x, y, x + width, y + height, static_cast<float>(rng.Uniform(0.4, 1)));
  }
  return image;
}

// The image turned by 90 degrees: pixel (x, y) comes to (kSize - 1 - y, x).
FloatImage Turned(const FloatImage& image) {
  FloatImage turned = Flat(0);
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) turned.row(x)[kSize - 1 - y] = image.row(y)[x];
  }
  return turned;
}

double DistanceToNearest(const std::vector<KeypointLabel>& labels, double x, double y) {
  double least = 1e9;
  for (const KeypointLabel& label : labels) least = std::min(least, std::hypot(label.x - x, label.y - y));
  return least;
}

std::vector<KeypointLabel> Adapted(const FloatImage& image, const AdaptationOptions& options = {},
                                   uint64_t seed = 1) {
  Rng rng(seed, 0, 0);
  return AdaptLabels(image, MinimumEigenvalueDetector({}), options, rng);
}

TEST(MinimumEigenvalueDetector, FindsTheFourCornersOfASquareAndNothingElse) {
  const auto corners = MinimumEigenvalueDetector({})(WhiteSquare());
  EXPECT_EQ(corners.size(), 4u);
  for (const double x : {30.0, 65.0}) {
    for (const double y : {30.0, 65.0}) EXPECT_LT(DistanceToNearest(corners, x, y), 1.5) << x << ", " << y;
  }
}

TEST(MinimumEigenvalueDetector, FindsNothingOnAFlatImageOrAnEdge) {
  FloatImage edge = Flat(0.2f);
  Fill(edge, 0, 0, 40, kSize - 1, 0.9f);
  for (const FloatImage& image : {Flat(0), Flat(0.5f), Flat(1), edge}) {
    EXPECT_TRUE(MinimumEigenvalueDetector({})(image).empty());
  }
}

TEST(MinimumEigenvalueDetector, TakesNoPlaceOnASlantedEdge) {
  Rng rng(3, 0, 0);
  for (int i = 0; i < 8; ++i) {
    HomographyOptions sampling{0.5, 45, 1.0, 0.05};
    const auto photo_from_view =
        HomographyFromCorners(ImageCorners(kSize, kSize), SampleQuadrilateral(kSize, kSize, sampling, rng));
    const auto found = MinimumEigenvalueDetector({})(WarpImage(WhiteSquare(), photo_from_view, kSize, kSize));
    EXPECT_LE(found.size(), 4u) << "view " << i;
  }
}

TEST(MinimumEigenvalueDetector, TurnsWithTheImage) {
  const auto upright = MinimumEigenvalueDetector({})(Rectangles());
  const auto turned = MinimumEigenvalueDetector({})(Turned(Rectangles()));
  ASSERT_GE(upright.size(), 30u);
  EXPECT_EQ(turned.size(), upright.size());
  for (const KeypointLabel& corner : upright) {
    EXPECT_LT(DistanceToNearest(turned, kSize - 1 - corner.y, corner.x), 0.01)
        << corner.x << ", " << corner.y;
  }
}

TEST(MinimumEigenvalueDetector, KeepsAtMostItsNumberOfCornersTheStrongest) {
  CornerOptions options;
  options.max_corners = 5;
  const auto few = MinimumEigenvalueDetector(options)(Rectangles()),
             all = MinimumEigenvalueDetector({})(Rectangles());
  ASSERT_EQ(few.size(), 5u);
  std::vector<float> scores;
  for (const KeypointLabel& corner : all) scores.push_back(corner.score);
  std::sort(scores.rbegin(), scores.rend());
  for (const KeypointLabel& corner : few) EXPECT_GE(corner.score, scores[4]);
}

TEST(AdaptLabels, TheLabelsOfASquareAreItsCornersAndNoPlacesOnItsEdges) {
  const auto labels = Adapted(WhiteSquare());
  EXPECT_EQ(labels.size(), 4u);
  for (const double x : {30.0, 65.0}) {
    for (const double y : {30.0, 65.0}) EXPECT_LT(DistanceToNearest(labels, x, y), 1.5) << x << ", " << y;
  }
}

TEST(AdaptLabels, IsDeterministic) {
  const auto a = Adapted(Rectangles()), b = Adapted(Rectangles());
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].x, b[i].x);
    EXPECT_EQ(a[i].y, b[i].y);
    EXPECT_EQ(a[i].score, b[i].score);
  }
}

TEST(AdaptLabels, AreSortedByRepeatabilityWithinItsBounds) {
  AdaptationOptions options;
  options.max_labels = 10;
  const auto labels = Adapted(Rectangles(), options);
  ASSERT_EQ(labels.size(), 10u);
  for (size_t i = 0; i < labels.size(); ++i) {
    EXPECT_GE(labels[i].score, options.min_repeatability);
    EXPECT_LE(labels[i].score, 1);
    if (i > 0) EXPECT_LE(labels[i].score, labels[i - 1].score);
  }
}

TEST(AdaptLabels, OfATurnedImageAreTheTurnedLabels) {
  const auto upright = Adapted(Rectangles());
  const auto turned = Adapted(Turned(Rectangles()), {}, 2);
  ASSERT_GE(upright.size(), 20u);
  size_t agreeing = 0;
  for (const KeypointLabel& label : upright) {
    agreeing += DistanceToNearest(turned, kSize - 1 - label.y, label.x) < 1.5;
  }
  EXPECT_GE(agreeing, 8 * upright.size() / 10)
      << "of " << upright.size() << ", " << turned.size() << " turned";
}

TEST(AdaptLabels, OneViewAloneGivesTheDetectorsOwnCorners) {
  AdaptationOptions options;
  options.num_warps = 1;
  const auto labels = Adapted(WhiteSquare(), options), corners = MinimumEigenvalueDetector({})(WhiteSquare());
  ASSERT_EQ(labels.size(), corners.size());
  for (const KeypointLabel& corner : corners) EXPECT_LT(DistanceToNearest(labels, corner.x, corner.y), 0.01);
}

TEST(SuperPointDetector, FindsAtMostItsNumberOfPointsInsideAnImageOfAnySize) {
  SuperPointArchitecture architecture{{4, 4, 8, 8}, 8, 8, false};
  const Detector detector = SuperPointDetector(SuperPoint(architecture), 0.001, 4, 12);
  FloatImage image{50, 43, std::vector<float>(50 * 43)};
  for (float& value : image.pixels) value = std::uniform_real_distribution<float>(0, 1)(TestRng());
  const auto found = detector(image);
  EXPECT_EQ(found.size(), 12u);
  for (const KeypointLabel& point : found) {
    EXPECT_TRUE(point.x >= 4 && point.y >= 4 && point.x < 48 - 4 && point.y < 40 - 4)
        << point.x << ", " << point.y;
  }
}

}  // namespace
}  // namespace colmatch
