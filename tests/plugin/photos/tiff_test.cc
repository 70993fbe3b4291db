// Tests of TIFFs: orientation, and the kinds that cannot be read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/photos/image_reader.h"
#include "tests/message_of.h"
#include "tests/plugin/photos/test_pictures.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

TEST(ReadGrayImage, TiffOrientationIsNeverAppliedInAnyKindOfTiff) {
  const TemporaryFolder folder;
  const cv::Mat gray = TestPicture(64, 48);
  cv::Mat sixteen;
  gray.convertTo(sixteen, CV_16U, 257.0);
  for (std::uint32_t orientation = 1; orientation <= 8; ++orientation) {
    for (const std::uint16_t type : {std::uint16_t{3}, std::uint16_t{4}}) {  // SHORT, LONG
      for (const bool is_big : {false, true}) {
        for (const cv::Mat& samples : {gray, sixteen}) {
          const auto path = folder.Write("a.tif", MakeTiff(samples, 1, {{274, type, orientation}}, is_big));
          const cv::Mat read = ReadGrayImage(path).gray;
          ASSERT_EQ(read.size(), gray.size()) << orientation;
          EXPECT_EQ(cv::norm(read, gray, cv::NORM_INF), 0) << orientation << ' ' << type << ' ' << is_big;
        }
      }
    }
  }
}

TEST(ReadGrayImage, TiffsThatCannotBeReadAreRefusedWithTheTrueReason) {
  const TemporaryFolder folder;
  const cv::Mat gray = TestPicture(64, 48);
  cv::Mat real, real64, whole, bands;
  gray.convertTo(real, CV_32F, 1 / 255.0);
  gray.convertTo(real64, CV_64F, 1 / 255.0);
  gray.convertTo(whole, CV_32S, 1 << 20);
  cv::merge(std::vector<cv::Mat>(5, gray), bands);
  const struct {
    Bytes bytes;
    const char* reason;
  } cases[] = {{MakeTiff(real, 3), "32-bit floating-point"},
               {MakeTiff(real64, 3), "64-bit floating-point"},
               {MakeTiff(whole, 1), "32-bit integer"},
               {MakeTiff(bands, 1), "5 samples a pixel"},
               {MakeTiff(whole, 6), "complex samples"},
               {MakeTiff(gray, 1, {{254, 4, 1}}), "raw photo"},
               {MakeTiff(gray, 1, {{50706, 4, 0x01040000}}), "raw photo"}};
  for (const auto& c : cases) {
    const auto path = folder.Write("a.tif", c.bytes);
    EXPECT_THAT(MessageOf<InputError>([&] { ReadGrayImage(path); }), HasSubstr(c.reason));
  }
}

}  // namespace
}  // namespace colmatch
