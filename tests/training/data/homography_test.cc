// Tests of plane homographies and of their sampling.
#include "training/data/homography.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace colmatch {
namespace {

constexpr double kWidth = 320, kHeight = 200;

HomographyOptions WithDifficulty(double difficulty) {
  HomographyOptions options;
  options.difficulty = difficulty;
  return options;
}

Homography SomeHomography(uint64_t seed) {
  Rng rng(seed, 0, 0);
  return HomographyFromCorners(ImageCorners(kWidth, kHeight),
                               SampleQuadrilateral(kWidth, kHeight, WithDifficulty(0.8), rng));
}

// Cross product at corner i, in units of the image; positive where a clockwise (y down) outline turns right.
double TurnAt(const std::array<Point2, 4>& p, int i) {
  const Point2 &a = p[i], &b = p[(i + 1) % 4], &c = p[(i + 2) % 4];
  return ((b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x)) / (kWidth * kHeight);
}

TEST(Homography, FourCornersMapExactly) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Rng rng(seed, 0, 0);
    const auto from = SampleQuadrilateral(kWidth, kHeight, WithDifficulty(0.9), rng);
    const auto to = SampleQuadrilateral(640, 480, WithDifficulty(0.9), rng);
    const Homography h = HomographyFromCorners(from, to);
    for (int i = 0; i < 4; ++i) {
      const Point2 p = h.Apply(from[i]);
      EXPECT_NEAR(p.x, to[i].x, 1e-7) << "seed " << seed << ", corner " << i;
      EXPECT_NEAR(p.y, to[i].y, 1e-7) << "seed " << seed << ", corner " << i;
    }
  }
}

TEST(Homography, TheInverseGoesBack) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Homography h = SomeHomography(seed), inverse = h.Inverse();
    for (const Point2 p : {Point2{0, 0}, {100, 50}, {319, 199}}) {
      const Point2 back = inverse.Apply(h.Apply(p));
      EXPECT_NEAR(back.x, p.x, 1e-8) << "seed " << seed;
      EXPECT_NEAR(back.y, p.y, 1e-8) << "seed " << seed;
    }
  }
}

TEST(Homography, AProductAppliesItsRightFactorFirst) {
  const Homography a = SomeHomography(1), b = SomeHomography(2);
  const Point2 p{31, 77}, once = (a * b).Apply(p), twice = a.Apply(b.Apply(p));
  EXPECT_NEAR(once.x, twice.x, 1e-9);
  EXPECT_NEAR(once.y, twice.y, 1e-9);
}

TEST(Homography, ThreeCornersOnALineAreRefused) {
  const auto image = ImageCorners(kWidth, kHeight);
  for (const double scale : {1.0, 0.37, 1.0 / 3, 211.7}) {
    const std::array<Point2, 4> line = {
        {{0, 0}, {1.1 * scale, 0.7 * scale}, {2.2 * scale, 1.4 * scale}, {0, 2 * scale}}};
    EXPECT_THROW(HomographyFromCorners(line, image), std::runtime_error) << "from, scale " << scale;
    EXPECT_THROW(HomographyFromCorners(image, line), std::runtime_error) << "to, scale " << scale;
  }
  const std::array<Point2, 4> point = {{{5, 5}, {5, 5}, {5, 5}, {5, 5}}};
  EXPECT_THROW(HomographyFromCorners(point, image), std::runtime_error);
}

TEST(Homography, ASingularMatrixHasNoInverse) {
  Homography h;
  h.m = {1, 2, 3, 2, 4, 6, 0, 0, 1};
  EXPECT_THROW(h.Inverse(), std::runtime_error);
}

TEST(SampleQuadrilateral, CornersLieInsideThePhotoAndTurnAllTheSameWay) {
  for (const double difficulty : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    for (uint64_t seed = 0; seed < 500; ++seed) {
      Rng rng(seed, 0, 0);
      const HomographyOptions options = WithDifficulty(difficulty);
      const auto corners = SampleQuadrilateral(kWidth, kHeight, options, rng);
      for (int i = 0; i < 4; ++i) {
        const Point2& p = corners[i];
        const bool inside =
            p.x >= -1e-9 && p.y >= -1e-9 && p.x <= kWidth - 1 + 1e-9 && p.y <= kHeight - 1 + 1e-9;
        ASSERT_TRUE(inside) << p.x << ", " << p.y << ": difficulty " << difficulty << ", seed " << seed;
        ASSERT_GE(TurnAt(corners, i), options.min_convexity - 1e-9)
            << "difficulty " << difficulty << ", seed " << seed;
      }
    }
  }
}

TEST(SampleQuadrilateral, DifficultyZeroIsTheWholeImage) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed, 0, 0);
    const auto corners = SampleQuadrilateral(kWidth, kHeight, WithDifficulty(0), rng),
               image = ImageCorners(kWidth, kHeight);
    for (int i = 0; i < 4; ++i) {
      EXPECT_NEAR(corners[i].x, image[i].x, 1e-9);
      EXPECT_NEAR(corners[i].y, image[i].y, 1e-9);
    }
  }
}

TEST(SampleQuadrilateral, MoreDifficultyLeavesLessOfTheImage) {
  const auto mean_area = [](double difficulty) {
    double sum = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      Rng rng(seed, 0, 0);
      const auto p = SampleQuadrilateral(kWidth, kHeight, WithDifficulty(difficulty), rng);
      for (int i = 0; i < 4; ++i) sum += p[i].x * p[(i + 1) % 4].y - p[i].y * p[(i + 1) % 4].x;
    }
    return sum / 2 / 200 / (kWidth * kHeight);
  };
  EXPECT_GT(mean_area(0.2), mean_area(0.5));
  EXPECT_GT(mean_area(0.5), mean_area(0.9));
}

TEST(SampleQuadrilateral, RotatesBothWaysUpToTheLargestAngle) {
  double least = 0, most = 0;
  HomographyOptions options = WithDifficulty(0.8);
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(seed, 0, 0);
    const auto p = SampleQuadrilateral(kWidth, kHeight, options, rng);
    // Of the line between the middles of the left and the right side.
    const double angle =
        std::atan2(p[1].y + p[2].y - p[0].y - p[3].y, p[1].x + p[2].x - p[0].x - p[3].x) * 180 / M_PI;
    least = std::min(least, angle);
    most = std::max(most, angle);
  }
  EXPECT_LT(least, -20);
  EXPECT_GT(most, 20);
}

// A photo of one column has no convex quadrilateral: this used to look for one for ever.
TEST(SampleQuadrilateral, AnImageWithoutAreaIsRefused) {
  for (const auto& [width, height] : {std::pair<double, double>{1, 100}, {100, 1}, {0, 0}, {1, 1}}) {
    Rng rng(1, 0, 0);
    EXPECT_THROW(SampleQuadrilateral(width, height, WithDifficulty(0.5), rng), std::runtime_error) << width;
  }
}

}  // namespace
}  // namespace colmatch
