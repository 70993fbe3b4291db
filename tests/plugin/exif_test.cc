// EXIF blocks built byte by byte, honest and hostile.
#include "plugin/exif.h"

#include <gtest/gtest.h>

#include <cstring>
#include <opencv2/imgcodecs.hpp>

#include "tests/plugin/exif_builder.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes PlainJpeg() {
  Bytes bytes;
  cv::imencode(".jpg", cv::Mat(8, 8, CV_8U, cv::Scalar(90)), bytes);
  return bytes;
}

TEST(Exif, EveryFieldIsReadInBothByteOrders) {
  const TemporaryFolder folder;
  for (const bool big_endian : {false, true}) {
    const ExifInfo info = ReadExif(folder.Write("a.jpg", FullExif(big_endian).InsertInto(PlainJpeg())));
    EXPECT_EQ(info.make, "Canon");
    EXPECT_EQ(info.model, "EOS 5D");
    EXPECT_EQ(info.orientation, 6);
    EXPECT_DOUBLE_EQ(info.focal_length_mm.value(), 5.43);
    EXPECT_DOUBLE_EQ(info.focal_length_35mm.value(), 28);
    EXPECT_DOUBLE_EQ(info.focal_plane_x_resolution.value(), 4368000.0 / 1415);
    EXPECT_EQ(info.focal_plane_unit, 2);
    EXPECT_DOUBLE_EQ(info.pixel_x_dimension.value(), 4368);
    EXPECT_DOUBLE_EQ(info.latitude_deg.value(), -(33 + 51 / 60.0 + 35.4 / 3600));
    EXPECT_DOUBLE_EQ(info.longitude_deg.value(), 151 + 12 / 60.0 + 36 / 3600.0);
    EXPECT_DOUBLE_EQ(info.altitude_m.value(), -12.34);
  }
}

void ExpectEmpty(const ExifInfo& info) {
  EXPECT_FALSE(info.make || info.model || info.orientation || info.focal_length_mm || info.focal_length_35mm);
  EXPECT_FALSE(info.focal_plane_x_resolution || info.focal_plane_unit || info.pixel_x_dimension);
  EXPECT_FALSE(info.latitude_deg || info.longitude_deg || info.altitude_m);
}

TEST(Exif, FilesWithoutExifGiveEmptyFields) {
  const TemporaryFolder folder;
  ExpectEmpty(ReadExif(folder.Write("plain.jpg", PlainJpeg())));
  ExpectEmpty(ReadExif(folder.Write("text.jpg", "no picture")));
  ExpectEmpty(ReadExif(folder.Write("empty.jpg", "")));
  ExpectEmpty(ReadExif(folder.path() / "gone.jpg"));
}

TEST(Exif, WrongTypesRangesAndZeroDenominatorsAreIgnored) {
  const TemporaryFolder folder;
  ExifBuilder exif;
  exif.Short(kIfd0, 0x010f, 7);                          // Make as a number
  exif.Ascii(kIfd0, 0x0110, "   ");                      // Model of blanks
  exif.Short(kIfd0, 0x0112, 9);                          // Orientation above 8
  exif.Rational(kExifIfd, 0x920a, {{50, 0}});            // 50/0 mm
  exif.Ascii(kExifIfd, 0xa405, "35");                    // 35 mm focal length as text
  exif.Short(kExifIfd, 0xa20e, 3000);                    // resolution as an integer
  exif.Rational(kGpsIfd, 2, {{91, 1}, {0, 1}, {0, 1}});  // beyond the pole
  exif.Rational(kGpsIfd, 4, {{10, 1}});                  // one number instead of three
  ExpectEmpty(ReadExif(folder.Write("a.jpg", exif.InsertInto(PlainJpeg()))));
}

TEST(Exif, AnyDamagedByteOrCutIsSurvived) {
  const TemporaryFolder folder;
  const Bytes jpeg = FullExif().InsertInto(PlainJpeg());
  for (std::size_t i = 2; i < 300; ++i) {
    Bytes bad = jpeg;
    bad[i] = i % 2 ? 0xff : 0x7f;
    ReadExif(folder.Write("bad.jpg", bad));
    ReadExif(folder.Write("cut.jpg", Bytes(jpeg.begin(), jpeg.begin() + i)));
  }
  EXPECT_EQ(ReadExif(folder.Write("good.jpg", jpeg)).make, "Canon");
}

TEST(Orientation, TurnsAndGravityAreColmaps) {
  using Vector = std::array<double, 3>;
  const struct {
    std::optional<int> orientation;
    int quarter_turns;
    std::optional<Vector> gravity;
  } cases[] = {{std::nullopt, 0, std::nullopt}, {1, 0, Vector{0, 1, 0}}, {2, 0, std::nullopt},
               {3, 2, Vector{0, -1, 0}},        {4, 0, std::nullopt},    {5, 0, std::nullopt},
               {6, 1, Vector{1, 0, 0}},         {7, 0, std::nullopt},    {8, 3, Vector{-1, 0, 0}}};
  for (const auto& c : cases) {
    EXPECT_EQ(QuarterTurnsToUpright(c.orientation), c.quarter_turns) << c.orientation.value_or(0);
    EXPECT_EQ(GravityOfOrientation(c.orientation), c.gravity) << c.orientation.value_or(0);
  }
}

}  // namespace
}  // namespace colmatch
