// Tests of the photometric augmentation.
#include "training/data/photometric.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace colmatch {
namespace {

FloatImage RandomImage(int width, int height) {
  FloatImage image{width, height, {}};
  Rng rng(9, 0, 0);
  for (int i = 0; i < width * height; ++i) image.pixels.push_back(static_cast<float>(rng.Uniform()));
  return image;
}

FloatImage UniformImage(int width, int height, float value) {
  return {width, height, std::vector<float>(static_cast<size_t>(width) * height, value)};
}

FloatImage Augmented(FloatImage image, double strength, uint64_t seed) {
  PhotometricOptions options;
  options.strength = strength;
  options.blur_probability = options.motion_blur_probability = options.shade_probability = 0.5;
  options.invert_probability = 0.2;
  Rng rng(seed, 0, 0);
  AugmentPhotometric(image, options, rng);
  return image;
}

TEST(Photometric, ValuesStayBetween0And1) {
  for (const double strength : {0.1, 1.0, 3.0}) {
    for (uint64_t seed = 0; seed < 60; ++seed) {
      for (const FloatImage& image :
           {RandomImage(24, 16), UniformImage(24, 16, 0), UniformImage(24, 16, 1)}) {
        const FloatImage out = Augmented(image, strength, seed);
        const bool within =
            std::all_of(out.pixels.begin(), out.pixels.end(), [](float v) { return v >= 0 && v <= 1; });
        ASSERT_TRUE(within) << "strength " << strength << ", seed " << seed;  // NaN is not within
      }
    }
  }
}

TEST(Photometric, StrengthZeroChangesNothing) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(Augmented(RandomImage(24, 16), 0, seed).pixels, RandomImage(24, 16).pixels);
  }
}

TEST(Photometric, TheSameSeedGivesTheSameBytes) {
  EXPECT_EQ(Augmented(RandomImage(24, 16), 1, 5).pixels, Augmented(RandomImage(24, 16), 1, 5).pixels);
}

TEST(Photometric, EverySeedGivesAnotherPicture) {
  std::set<std::vector<float>> pictures;
  for (uint64_t seed = 0; seed < 20; ++seed) pictures.insert(Augmented(RandomImage(24, 16), 1, seed).pixels);
  EXPECT_EQ(pictures.size(), 20u);
}

TEST(Photometric, MoreStrengthChangesMore) {
  const auto mean_change = [](double strength) {
    const FloatImage image = RandomImage(24, 16);
    double sum = 0;
    for (uint64_t seed = 0; seed < 40; ++seed) {
      const FloatImage out = Augmented(image, strength, seed);
      for (size_t i = 0; i < image.pixels.size(); ++i) sum += std::abs(out.pixels[i] - image.pixels[i]);
    }
    return sum;
  };
  EXPECT_LT(mean_change(0.1), mean_change(1.0));
}

TEST(Photometric, NothingMoves) {
  FloatImage step = UniformImage(40, 30, 0.15f);
  for (int y = 0; y < 30; ++y) std::fill(step.row(y) + 20, step.row(y) + 40, 0.85f);
  double sum = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    PhotometricOptions options;
    options.shade_probability = 0;  // a shadow has an edge of its own
    Rng rng(seed, 0, 0);
    FloatImage out = step;
    AugmentPhotometric(out, options, rng);
    double moment = 0, total = 0;  // the centroid of the slope, over all rows
    for (int y = 0; y < 30; ++y) {
      for (int x = 14; x < 25; ++x) {
        const double slope = out.row(y)[x + 1] - out.row(y)[x];
        moment += slope * (x + 0.5);
        total += slope;
      }
    }
    EXPECT_NEAR(moment / total, 19.5, 0.8)
        << "seed " << seed;  // clipping after a blur moves the middle a little
    sum += moment / total;
  }
  EXPECT_NEAR(sum / 100, 19.5, 0.1);
}

TEST(Photometric, PicturesSmallerThanABlurKernelAreFine) {
  for (uint64_t seed = 0; seed < 30; ++seed)
    EXPECT_EQ(Augmented(RandomImage(2, 1), 1, seed).pixels.size(), 2u);
}

}  // namespace
}  // namespace colmatch
