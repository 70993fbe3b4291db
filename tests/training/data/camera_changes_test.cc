// Tests of the stronger changes of a picture.
#include "training/data/camera_changes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace colmatch {
namespace {

FloatImage Waves(int width, int height) {
  FloatImage image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x)
      image.pixels.push_back(
          static_cast<float>(0.5 + 0.25 * std::sin(0.9 * x) + 0.2 * std::cos(0.7 * y + 0.2 * x)));
  }
  return image;
}

double MeanDifference(const FloatImage& a, const FloatImage& b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

FloatImage Changed(FloatImage image, uint64_t seed, const CameraChangeOptions& options) {
  Rng rng(seed, 0, 0);
  ChangeCamera(image, options, rng);
  return image;
}

CameraChangeOptions Always() {
  CameraChangeOptions options;
  options.probability = 1;
  return options;
}

// Each change alone.
CameraChangeOptions Only(double CameraChangeOptions::*change) {
  CameraChangeOptions options = Always();
  options.response_probability = options.haze_probability = options.night_probability = 0;
  options.motion_probability = options.resolution_probability = options.compression_probability = 0;
  options.*change = 1;
  return options;
}

const auto kChanges = {
    &CameraChangeOptions::response_probability,   &CameraChangeOptions::haze_probability,
    &CameraChangeOptions::night_probability,      &CameraChangeOptions::motion_probability,
    &CameraChangeOptions::resolution_probability, &CameraChangeOptions::compression_probability};

TEST(CameraChanges, ValuesStayBetween0And1) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    for (const float value : {0.0f, 1.0f, -1.0f}) {
      FloatImage image = Waves(40, 29);
      if (value >= 0) std::fill(image.pixels.begin(), image.pixels.end(), value);
      const FloatImage out = Changed(image, seed, Always());
      const bool within =
          std::all_of(out.pixels.begin(), out.pixels.end(), [](float v) { return v >= 0 && v <= 1; });
      ASSERT_TRUE(within) << "seed " << seed << ", value " << value;  // NaN is not within
    }
  }
}

TEST(CameraChanges, ProbabilityZeroChangesNothingAndDrawsNothing) {
  FloatImage image = Waves(24, 16);
  Rng rng(3, 0, 0), untouched(3, 0, 0);
  ChangeCamera(image, CameraChangeOptions{}, rng);
  EXPECT_EQ(image.pixels, Waves(24, 16).pixels);
  EXPECT_EQ(rng.Next(), untouched.Next());
}

TEST(CameraChanges, EveryChangeAloneChangesThePictureTheSameWayForTheSameSeed) {
  for (const auto change : kChanges) {
    const FloatImage image = Waves(40, 32), out = Changed(image, 5, Only(change));
    EXPECT_GT(MeanDifference(out, image), 1e-3);
    EXPECT_EQ(out.pixels, Changed(image, 5, Only(change)).pixels);
    EXPECT_NE(out.pixels, Changed(image, 6, Only(change)).pixels);
  }
}

TEST(CameraChanges, NothingMoves) {
  FloatImage step{48, 32, std::vector<float>(48 * 32, 0.3f)};
  for (int y = 0; y < 32; ++y) std::fill(step.row(y) + 24, step.row(y) + 48, 0.7f);
  // What blurs is symmetric about each pixel: the edge's middle stays at 23.5.
  for (const auto change :
       {&CameraChangeOptions::motion_probability, &CameraChangeOptions::resolution_probability}) {
    for (uint64_t seed = 0; seed < 30; ++seed) {
      const FloatImage out = Changed(step, seed, Only(change));
      double moment = 0, total = 0;
      for (int x = 14; x < 34; ++x) {
        const double slope = out.row(16)[x + 1] - out.row(16)[x];
        moment += slope * (x + 0.5);
        total += slope;
      }
      EXPECT_NEAR(moment / total, 23.5, 0.6) << "seed " << seed;
    }
  }
}

TEST(CameraChanges, LowerQualityLosesMore) {
  const FloatImage image = Waves(64, 48);
  double last = 0;
  for (const double quality : {100.0, 80.0, 50.0, 20.0, 5.0}) {
    FloatImage out = image;
    CompressBlocks(out, quality);
    const double loss = MeanDifference(out, image);
    EXPECT_GT(loss, last) << quality;
    if (quality == 100) EXPECT_LT(loss, 1.0 / 255);
    last = loss;
  }
}

TEST(CameraChanges, CompressionKeepsFlatBlocksAndTheRestOfAnIncompleteBlock) {
  FloatImage flat{16, 8, std::vector<float>(16 * 8, 128.0f / 255)};
  const FloatImage before = flat;
  CompressBlocks(flat, 10);
  for (size_t i = 0; i < flat.pixels.size(); ++i) EXPECT_NEAR(flat.pixels[i], before.pixels[i], 1e-5);
  FloatImage image = Waves(19, 13);
  CompressBlocks(image, 5);
  for (int y = 0; y < 13; ++y) {
    for (int x = 0; x < 19; ++x) {
      if (x >= 16 || y >= 8) EXPECT_EQ(image.row(y)[x], Waves(19, 13).row(y)[x]);
    }
  }
}

}  // namespace
}  // namespace colmatch
