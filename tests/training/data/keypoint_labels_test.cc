// Tests of keypoint labels: blobs and corners are found where they are, whatever the rotation, and
// repeatably.
#include "training/data/keypoint_labels.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "network/hessian_response.h"
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

struct Blob {
  double x, y, contrast;
};

// Gaussian blobs of two pixels on grey.
FloatImage Draw(const std::vector<Blob>& blobs) {
  FloatImage image = Flat(0.5f);
  for (const Blob& blob : blobs) {
    for (int y = 0; y < kSize; ++y) {
      for (int x = 0; x < kSize; ++x) {
        const double squared = (x - blob.x) * (x - blob.x) + (y - blob.y) * (y - blob.y);
        image.row(y)[x] += static_cast<float>(blob.contrast * std::exp(-squared / 8));
      }
    }
  }
  return image;
}

// Nine, dark ones and bright ones, too far from each other to have any influence.
std::vector<Blob> Blobs() {
  std::vector<Blob> blobs;
  Rng rng(4, 0, 0);
  for (int i = 0; i < 9; ++i) {
    blobs.push_back({18 + 30 * (i % 3) + rng.Uniform(-3, 3), 18 + 30 * (i / 3) + rng.Uniform(-3, 3),
                     (i % 2 == 0 ? 1 : -1) * rng.Uniform(0.25, 0.5)});
  }
  return blobs;
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

FloatImage WarpedSquare(Rng& rng, Homography& view_from_photo) {
  const auto photo_from_view = HomographyFromCorners(
      ImageCorners(kSize, kSize), SampleQuadrilateral(kSize, kSize, {0.5, 45, 1.0, 0.05}, rng));
  view_from_photo = photo_from_view.Inverse();
  return WarpImage(WhiteSquare(), photo_from_view, kSize, kSize);
}

double DistanceToNearest(const std::vector<KeypointLabel>& labels, double x, double y) {
  double least = 1e9;
  for (const KeypointLabel& label : labels) least = std::min(least, std::hypot(label.x - x, label.y - y));
  return least;
}

std::vector<KeypointLabel> Strongest(std::vector<KeypointLabel> labels, size_t count) {
  labels.resize(std::min(count, labels.size()));
  return labels;
}

std::vector<KeypointLabel> Detected(const FloatImage& image) { return HessianDetector({})(image); }

std::vector<KeypointLabel> Adapted(const FloatImage& image, const AdaptationOptions& options = {},
                                   uint64_t seed = 1) {
  Rng rng(seed, 0, 0);
  return AdaptLabels(image, HessianDetector({}), options, rng);
}

TEST(HessianDetector, FindsTheCentresOfBlobsFirst) {
  const auto found = Strongest(Detected(Draw(Blobs())), 9);
  for (const Blob& blob : Blobs())
    EXPECT_LT(DistanceToNearest(found, blob.x, blob.y), 0.1) << blob.x << ", " << blob.y;
}

// A second-order measure peaks where both edges of a corner are curved round: a little inside.
TEST(HessianDetector, FindsTheCornersOfASquareAndNothingElse) {
  const auto found = Detected(WhiteSquare());
  EXPECT_EQ(found.size(), 4u);
  for (const double x : {31.35, 63.65}) {
    for (const double y : {31.35, 63.65}) EXPECT_LT(DistanceToNearest(found, x, y), 0.1) << x << ", " << y;
  }
}

// Non-maximum suppression hides a peak and its neighbours; what is then the largest left is a slope.
TEST(HessianDetector, FindsPlacesOnlyWhereTheResponseHasAPeak) {
  for (const FloatImage& image : {Draw(Blobs()), Draw({{48.3, 47.6, 0.5}}), WhiteSquare(), Rectangles()}) {
    const auto peaks = LocalPeaks(
        HessianResponse(torch::from_blob(const_cast<float*>(image.pixels.data()), {1, 1, kSize, kSize})));
    const auto found = Detected(image);
    EXPECT_GE(found.size(), 1u);
    for (const KeypointLabel& peak : found) {
      const int64_t x = std::lround(peak.x), y = std::lround(peak.y);
      EXPECT_GT(peaks.slice(0, y - 1, y + 2).slice(1, x - 1, x + 2).max().item<float>(), 0)
          << peak.x << ", " << peak.y << " responds " << peak.score;
    }
  }
}

TEST(HessianDetector, FindsNothingOnAFlatImageOrAnEdge) {
  FloatImage edge = Flat(0.2f);
  Fill(edge, 0, 0, 40, kSize - 1, 0.9f);
  for (const FloatImage& image : {Flat(0), Flat(0.5f), Flat(1), edge}) EXPECT_TRUE(Detected(image).empty());
}

TEST(HessianDetector, RespondsToSlantedEdgesFarLessThanToTheirCorners) {
  Rng rng(3, 0, 0);
  for (int i = 0; i < 8; ++i) {
    Homography view_from_photo;
    const auto found = Detected(WarpedSquare(rng, view_from_photo));
    ASSERT_GE(found.size(), 4u) << "view " << i;
    for (const Point2 corner : {Point2{30, 30}, {65, 30}, {65, 65}, {30, 65}}) {
      const Point2 p = view_from_photo.Apply(corner);
      EXPECT_LT(DistanceToNearest(Strongest(found, 4), p.x, p.y), 4) << "view " << i;
    }
    if (found.size() > 4) EXPECT_LT(found[4].score, 0.2f * found[3].score) << "view " << i;
  }
}

TEST(HessianDetector, TurnsWithTheImage) {
  for (const FloatImage& image : {Draw(Blobs()), Rectangles()}) {
    const auto upright = Detected(image), turned = Detected(Turned(image));
    ASSERT_GE(upright.size(), 9u);
    EXPECT_EQ(turned.size(), upright.size());
    for (const KeypointLabel& peak : upright)
      EXPECT_LT(DistanceToNearest(turned, kSize - 1 - peak.y, peak.x), 0.01) << peak.x << ", " << peak.y;
  }
}

TEST(HessianDetector, KeepsAtMostItsNumberOfPeaksTheStrongestFirst) {
  PeakOptions options;
  options.max_peaks = 5;
  const auto few = HessianDetector(options)(Rectangles()), all = Detected(Rectangles());
  ASSERT_EQ(few.size(), 5u);
  ASSERT_GT(all.size(), 5u);
  for (size_t i = 1; i < all.size(); ++i) EXPECT_LE(all[i].score, all[i - 1].score);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(few[i].score, all[i].score);
}

// The response grows with the square of the contrast: the second blob's is a quarter of the first one's.
TEST(HessianDetector, LeavesOutPeaksThatAreWeakAbsolutelyOrBesideTheStrongest) {
  const std::vector<Blob> blobs = {{30, 48, 0.4}, {66, 48, 0.2}};
  const auto finds_second = [&](const PeakOptions& options) {
    return DistanceToNearest(HessianDetector(options)(Draw(blobs)), blobs[1].x, blobs[1].y) < 0.1;
  };
  const float first = Detected(Draw(blobs))[0].score;
  EXPECT_TRUE(finds_second({4, 500, 0.2, 0}));
  EXPECT_FALSE(finds_second({4, 500, 0.3, 0}));
  EXPECT_TRUE(finds_second({4, 500, 0, 0.2 * first}));
  EXPECT_FALSE(finds_second({4, 500, 0, 0.3 * first}));
}

// What is no place of its own, as the points of a slanted edge, is found now here, now there.
void ExpectLabelsInEveryView(const std::vector<KeypointLabel>& labels, const std::vector<Point2>& places,
                             double distance) {
  ASSERT_GE(labels.size(), places.size());
  EXPECT_EQ(labels[places.size() - 1].score, 1);
  if (labels.size() > places.size()) EXPECT_LT(labels[places.size()].score, 0.75f);
  for (const Point2& p : places)
    EXPECT_LT(DistanceToNearest(Strongest(labels, places.size()), p.x, p.y), distance) << p.x << ", " << p.y;
}

TEST(AdaptLabels, TheCentresOfBlobsAreFoundInEveryViewAndNothingElseIs) {
  std::vector<Point2> centres;
  for (const Blob& blob : Blobs()) centres.push_back({blob.x, blob.y});
  ExpectLabelsInEveryView(Adapted(Draw(Blobs())), centres, 0.3);
}

TEST(AdaptLabels, TheCornersOfASquareAreFoundInEveryViewAndNoPlacesOnItsEdgesAre) {
  ExpectLabelsInEveryView(Adapted(WhiteSquare()), {{31, 31}, {64, 31}, {31, 64}, {64, 64}}, 0.5);
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

TEST(AdaptLabels, OneViewAloneGivesTheDetectorsOwnPeaks) {
  AdaptationOptions options;
  options.num_warps = 1;
  const auto labels = Adapted(WhiteSquare(), options), peaks = Detected(WhiteSquare());
  ASSERT_EQ(labels.size(), peaks.size());
  for (const KeypointLabel& peak : peaks) EXPECT_LT(DistanceToNearest(labels, peak.x, peak.y), 0.01);
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
