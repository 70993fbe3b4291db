// Tests of warping: pixel geometry, borders and the halving before shrinking warps.
#include "training/data/warp.h"

#include <gtest/gtest.h>

#include <cmath>

#include "training/data/homography.h"

namespace colmatch {
namespace {

template <typename Function>
FloatImage ImageOf(int width, int height, Function value) {
  FloatImage image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) image.pixels.push_back(static_cast<float>(value(x, y)));
  }
  return image;
}

double Ramp(double x, double y) { return 0.01 * x + 0.003 * y; }

FloatImage RandomImage(int width, int height) {
  Rng rng(1, 0, 0);
  return ImageOf(width, height, [&](int, int) { return rng.Uniform(); });
}

Homography Scale(double factor) {
  Homography h;
  h.m = {factor, 0, 0, 0, factor, 0, 0, 0, 1};
  return h;
}

Homography Translation(double x, double y) {
  Homography h;
  h.m = {1, 0, x, 0, 1, y, 0, 0, 1};
  return h;
}

TEST(GrayFromBytes, ZeroIsBlackAnd255IsWhite) {
  const uint8_t bytes[] = {0, 255, 51, 102, 153, 204};
  const FloatImage image = GrayFromBytes(bytes, 3, 2);
  EXPECT_EQ(image.width, 3);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.row(0)[0], 0.0f);
  EXPECT_FLOAT_EQ(image.row(0)[1], 1.0f);
  EXPECT_FLOAT_EQ(image.row(1)[2], 0.8f);
}

TEST(WarpImage, TheIdentityReproducesTheImage) {
  for (const auto& [width, height] : {std::pair<int, int>{17, 9}, {1, 5}, {5, 1}, {1, 1}}) {
    const FloatImage image = RandomImage(width, height), out = WarpImage(image, Homography(), width, height);
    for (size_t i = 0; i < image.pixels.size(); ++i) EXPECT_NEAR(out.pixels[i], image.pixels[i], 1e-6);
  }
}

TEST(WarpImage, ATranslationShowsThePixelThatFarAway) {
  const FloatImage image = RandomImage(20, 16), out = WarpImage(image, Translation(3, 5), 10, 8);
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 10; ++x) EXPECT_NEAR(out.row(y)[x], image.row(y + 5)[x + 3], 1e-6);
  }
}

TEST(WarpImage, BetweenPixelsItIsBilinear) {
  const FloatImage out = WarpImage(ImageOf(20, 16, Ramp), Translation(0.3, 0.8), 10, 8);
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 10; ++x) EXPECT_NEAR(out.row(y)[x], Ramp(x + 0.3, y + 0.8), 1e-6);
  }
}

TEST(WarpImage, OutsideTheImageItsBorderIsRepeated) {
  const FloatImage image = RandomImage(6, 5), out = WarpImage(image, Translation(-10, 2), 30, 5);
  for (int x = 0; x <= 10; ++x) EXPECT_NEAR(out.row(0)[x], image.row(2)[0], 1e-6);
  for (int x = 15; x < 30; ++x) EXPECT_NEAR(out.row(4)[x], image.row(4)[5], 1e-6);
}

TEST(WarpImage, AgreesWithTheHomographyPointByPoint) {
  const auto smooth = [](double x, double y) {
    return 0.5 + 0.2 * std::sin(0.07 * x) + 0.2 * std::cos(0.06 * y);
  };
  const FloatImage image = ImageOf(160, 120, smooth);
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Rng rng(seed, 0, 0);
    const Homography h = HomographyFromCorners(ImageCorners(128, 96), SampleQuadrilateral(160, 120, {}, rng));
    const FloatImage out = WarpImage(image, h, 128, 96);
    for (int y = 0; y < 96; y += 5) {
      for (int x = 0; x < 128; x += 5) {
        const Point2 p = h.Apply({static_cast<double>(x), static_cast<double>(y)});
        EXPECT_NEAR(out.row(y)[x], smooth(p.x, p.y), 2e-3) << "seed " << seed << ", pixel " << x << ", " << y;
      }
    }
  }
}

TEST(HalfSize, ARampStaysTheRampHalfAPixelOff) {
  const FloatImage half = HalfSize(ImageOf(20, 12, Ramp));
  ASSERT_EQ(half.width, 10);
  ASSERT_EQ(half.height, 6);
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 10; ++x) EXPECT_NEAR(half.row(y)[x], Ramp(2 * x + 0.5, 2 * y + 0.5), 1e-6);
  }
}

TEST(HalfSize, AnOddLastRowAndColumnAreDropped) {
  const FloatImage image = RandomImage(7, 5), half = HalfSize(image);
  ASSERT_EQ(half.width, 3);
  ASSERT_EQ(half.height, 2);
  const float* a = image.row(2);
  const float* b = image.row(3);
  EXPECT_NEAR(half.row(1)[2], (a[4] + a[5] + b[4] + b[5]) / 4, 1e-6);
}

TEST(WarpImage, AShrinkingWarpKeepsEverythingInItsPlace) {
  const FloatImage image = ImageOf(320, 240, Ramp);
  for (const double factor : {1.4, 1.6, 2.0, 3.0, 5.0, 7.0}) {
    const FloatImage out = WarpImage(image, Scale(factor), 32, 24);
    for (int y = 4; y < 20; ++y) {  // away from the border, which halving moves
      for (int x = 4; x < 28; ++x) {
        EXPECT_NEAR(out.row(y)[x], Ramp(factor * x, factor * y), 1e-5) << "factor " << factor;
      }
    }
  }
}

TEST(WarpImage, AShrinkingWarpAveragesWhatItCannotShow) {
  const FloatImage checkers = ImageOf(256, 192, [](int x, int y) { return (x + y) % 2; });
  const FloatImage out = WarpImage(checkers, Scale(4), 64, 48);
  for (const float value : out.pixels) ASSERT_NEAR(value, 0.5, 1e-6);
}

}  // namespace
}  // namespace colmatch
