// Tests of the networks' costs against counts made by hand, and of the machine's rate.
#include "network/flops.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "network/engines/matrix_product_rate.h"

namespace colmatch {
namespace {

TEST(Flops, OfThePublishedSuperPointAreThoseOfItsTwelveConvolutions) {
  // Multiply-adds of an 8 x 8 image: every layer by hand.
  const double conv1 = 64 * 9.0 * (1 * 64 + 64 * 64), conv2 = 16 * 9.0 * (64 * 64 + 64 * 64);
  const double conv3 = 4 * 9.0 * (64 * 128 + 128 * 128), conv4 = 9.0 * (128 * 128 + 128 * 128);
  const double heads = 2 * 9.0 * 128 * 256 + 256 * 65 + 256 * 256;
  EXPECT_DOUBLE_EQ(SuperPointFlops({}, 8, 8), 2 * (conv1 + conv2 + conv3 + conv4 + heads));
}

TEST(Flops, OfAnImageAreThoseOfAllItsSizes) {
  SuperPointArchitecture architecture;
  architecture.scales = {2, 1};
  EXPECT_DOUBLE_EQ(ExtractionFlops(architecture, 48, 64), 5 * SuperPointFlops({}, 48, 64));
}

TEST(Flops, OfThePublishedSuperGlueAre88GigaForAPairOf1024Keypoints) {
  EXPECT_NEAR(SuperGlueFlops({}, 1024, 1024), 88e9, 1e9);
}

TEST(Flops, OfAPairDoNotDependOnItsOrder) {
  EXPECT_DOUBLE_EQ(SuperGlueFlops({}, 100, 300), SuperGlueFlops({}, 300, 100));
}

TEST(Flops, OfLayersGrowWithTheSquareOfKeypointsInAttentionAlone) {
  SuperGlueArchitecture shallow, deep;
  shallow.num_layer_pairs = 1;
  deep.num_layer_pairs = 2;
  const auto layer_pair = [&](int64_t n) {
    return SuperGlueFlops(deep, n, n) - SuperGlueFlops(shallow, n, n);
  };
  // a n + b n^2 with b = 16 D: two layers, two images, scores and message.
  EXPECT_DOUBLE_EQ(layer_pair(200) - 2 * layer_pair(100), 16.0 * 256 * (200 * 200 - 2 * 100 * 100));
}

TEST(MatrixProductRate, IsThatOfTheProductsItDidByTheClockGiven) {
  // Two seconds a look at the clock: one product, between two looks.
  double seconds = 0;
  const auto slow = [&] { return seconds += 2; };
  for (const Precision precision : {Precision::kFloat32, Precision::kInt8})
    EXPECT_EQ(MeasureMatrixProductRate(torch::kCPU, precision, slow), 0) << "the second was over at once";
  const auto fast = [&] { return seconds += 0.25; };
  for (const Precision precision : {Precision::kFloat32, Precision::kBf16, Precision::kInt8})
    EXPECT_DOUBLE_EQ(MeasureMatrixProductRate(torch::kCPU, precision, fast), 2.0 * 1024 * 1024 * 1024 / 0.25);
}

}  // namespace
}  // namespace colmatch
