// Tests of resizing, and of the way back to the original pixels.
#include "plugin/photos/image_resize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/plugin/photos/test_pictures.h"
#include "util/error.h"

namespace colmatch {
namespace {

TEST(ResizeForNetwork, ZeroNeverResizesAndSmallImagesAreNeverEnlarged) {
  const cv::Mat gray = TestPicture(100, 60);
  for (const int limit : {0, 100, 5000}) {
    const ResizedImage resized = ResizeForNetwork(gray, limit);
    EXPECT_EQ(resized.pixels.size(), gray.size());
    EXPECT_EQ(resized.scale_x, 1.0);
    EXPECT_EQ(resized.scale_y, 1.0);
    EXPECT_FLOAT_EQ(resized.pixels.at<float>(7, 9), gray.at<std::uint8_t>(7, 9) / 255.0f);
  }
}

TEST(ResizeForNetwork, TheLongerSideGetsTheSizeAskedForAndNoSideVanishes) {
  EXPECT_EQ(ResizeForNetwork(TestPicture(1000, 500), 400).pixels.size(), cv::Size(400, 200));
  EXPECT_EQ(ResizeForNetwork(TestPicture(500, 1000), 400).pixels.size(), cv::Size(200, 400));
  EXPECT_EQ(ResizeForNetwork(TestPicture(1000, 333), 100).pixels.size(), cv::Size(100, 33));
  EXPECT_EQ(ResizeForNetwork(TestPicture(5000, 3), 100).pixels.size(), cv::Size(100, 1));
  EXPECT_EQ(ResizeForNetwork(TestPicture(1, 1), 100).pixels.size(), cv::Size(1, 1));
  EXPECT_THROW(ResizeForNetwork(TestPicture(4, 4), -1), UsageError);
}

TEST(ResizeForNetwork, EdgesOfTheResizedImageMapToEdgesOfTheOriginal) {
  const ResizedImage resized = ResizeForNetwork(TestPicture(1000, 333), 100);
  const cv::Point2f first = MapToOriginal(resized, {-0.5f, -0.5f});
  const cv::Point2f last = MapToOriginal(resized, {99.5f, 32.5f});
  EXPECT_NEAR(first.x, -0.5, 1e-4);
  EXPECT_NEAR(first.y, -0.5, 1e-4);
  EXPECT_NEAR(last.x, 999.5, 1e-3);
  EXPECT_NEAR(last.y, 332.5, 1e-3);
}

TEST(ResizeForNetwork, ThereAndBackIsWhereItWas) {
  const ResizedImage resized = ResizeForNetwork(TestPicture(1000, 333), 100);
  const cv::Point2f back = MapToResized(resized, MapToOriginal(resized, {12.25f, 30.5f}));
  EXPECT_NEAR(back.x, 12.25, 1e-3);
  EXPECT_NEAR(back.y, 30.5, 1e-3);
}

TEST(ResizeForNetwork, ABlobIsFoundWhereItIsInTheOriginal) {
  cv::Mat gray = cv::Mat::zeros(400, 600, CV_8U);
  for (int y = 0; y < gray.rows; ++y) {
    for (int x = 0; x < gray.cols; ++x) {
      const double squared = std::pow(x - 411.0, 2) + std::pow(y - 123.0, 2);
      gray.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(255 * std::exp(-squared / 200));
    }
  }
  const ResizedImage resized = ResizeForNetwork(gray, 150);
  const cv::Moments m = cv::moments(resized.pixels);
  const cv::Point2f found =
      MapToOriginal(resized, {static_cast<float>(m.m10 / m.m00), static_cast<float>(m.m01 / m.m00)});
  EXPECT_NEAR(found.x, 411.0, 0.05);  // Half a pixel of the small image would be 2 px.
  EXPECT_NEAR(found.y, 123.0, 0.05);
}

}  // namespace
}  // namespace colmatch
