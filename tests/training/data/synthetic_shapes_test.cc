// Tests of MagicPoint's shapes: corners are where grey really turns, shapes without corners have none.
#include "training/data/synthetic_shapes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace colmatch {
namespace {

constexpr int kWidth = 160, kHeight = 120;

SyntheticImage Draw(SyntheticShape shape, uint64_t seed) {
  Rng rng(seed, 0, 0);
  return DrawSyntheticShape(shape, kWidth, kHeight, rng);
}

SyntheticShape Shape(int index) { return static_cast<SyntheticShape>(index); }

// Darkest to brightest around a place.
double Contrast(const FloatImage& image, const KeypointLabel& at) {
  float low = 1, high = 0;
  for (int y = std::max(0, static_cast<int>(at.y) - 4);
       y <= std::min(kHeight - 1, static_cast<int>(at.y) + 4); ++y) {
    for (int x = std::max(0, static_cast<int>(at.x) - 4);
         x <= std::min(kWidth - 1, static_cast<int>(at.x) + 4); ++x) {
      low = std::min(low, image.row(y)[x]);
      high = std::max(high, image.row(y)[x]);
    }
  }
  return high - low;
}

TEST(SyntheticShapes, StayInTheirPictureAndRange) {
  for (int shape = 0; shape < kNumSyntheticShapes; ++shape) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const SyntheticImage drawn = Draw(Shape(shape), seed);
      ASSERT_EQ(drawn.image.pixels.size(), static_cast<size_t>(kWidth * kHeight));
      const auto [low, high] = std::minmax_element(drawn.image.pixels.begin(), drawn.image.pixels.end());
      EXPECT_GE(*low, 0);
      EXPECT_LE(*high, 1);
      for (const KeypointLabel& corner : drawn.corners) {
        EXPECT_TRUE(corner.x >= 0 && corner.y >= 0 && corner.x <= kWidth - 1 && corner.y <= kHeight - 1);
      }
    }
  }
}

TEST(SyntheticShapes, AreAPureFunctionOfTheSeed) {
  for (int shape = 0; shape < kNumSyntheticShapes; ++shape) {
    EXPECT_EQ(Draw(Shape(shape), 3).image.pixels, Draw(Shape(shape), 3).image.pixels);
    EXPECT_NE(Draw(Shape(shape), 3).image.pixels, Draw(Shape(shape), 4).image.pixels);
  }
}

TEST(SyntheticShapes, EllipsesAndNoiseHaveNoCorners) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_TRUE(Draw(SyntheticShape::kEllipses, seed).corners.empty());
    EXPECT_TRUE(Draw(SyntheticShape::kNoise, seed).corners.empty());
  }
}

TEST(SyntheticShapes, TheOthersHaveCornersAndGreyTurnsThere) {
  int corners = 0, visible = 0;
  for (const SyntheticShape shape :
       {SyntheticShape::kLines, SyntheticShape::kPolygons, SyntheticShape::kStar,
        SyntheticShape::kCheckerboard, SyntheticShape::kStripes, SyntheticShape::kCube}) {
    int of_shape = 0;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const SyntheticImage drawn = Draw(shape, seed);
      of_shape += static_cast<int>(drawn.corners.size());
      for (const KeypointLabel& corner : drawn.corners) visible += Contrast(drawn.image, corner) > 0.08;
    }
    EXPECT_GT(of_shape, 20) << static_cast<int>(shape);
    corners += of_shape;
  }
  EXPECT_GT(visible, 0.97 * corners);
}

TEST(SyntheticShapes, ACheckerboardHasTheNodesOfItsGrid) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const size_t corners = Draw(SyntheticShape::kCheckerboard, seed).corners.size();
    EXPECT_GE(corners, 16u);  // 3 x 3 cells
    EXPECT_LE(corners, 64u);  // 7 x 7
  }
}

}  // namespace
}  // namespace colmatch
