// EXIF blocks built byte by byte, honest and hostile.
#include "plugin/photos/exif.h"

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

void ExpectFull(const ExifInfo& info) {
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

TEST(Exif, EveryFieldIsReadInBothByteOrdersFromEveryKindOfFile) {
  const TemporaryFolder folder;
  Bytes png, webp;
  cv::imencode(".png", cv::Mat(8, 8, CV_8U, cv::Scalar(90)), png);
  cv::imencode(".webp", cv::Mat(8, 8, CV_8UC3, cv::Scalar(90, 90, 90)), webp);
  for (const bool big_endian : {false, true}) {
    const ExifBuilder exif = FullExif(big_endian);
    ExpectFull(ReadExif(folder.Write("a.jpg", exif.InsertInto(PlainJpeg()))));
    ExpectFull(ReadExif(folder.Write("a.png", exif.InsertIntoPng(png))));
    ExpectFull(ReadExif(folder.Write("end.png", exif.InsertIntoPng(png, true))));
    ExpectFull(ReadExif(folder.Write("a.webp", exif.InsertIntoWebp(webp, 8, 8))));
    ExpectFull(ReadExif(folder.Write("a.tif", exif.AsTiff(Bytes(64, 90), 8, 8))));
  }
}

TEST(Exif, IsFoundBehindAnyOtherSegmentOfAJpeg) {
  const TemporaryFolder folder;
  const Bytes content = {0, 6, 'a', 'b', 'c', 'd'};
  for (const int marker : {0xe0, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee,
                           0xef, 0xfe, 0xdd}) {
    Bytes before = {0xff, static_cast<std::uint8_t>(marker)};
    before.insert(before.end(), content.begin(), content.end());
    if (marker == 0xdd) before = {0xff, 0xdd, 0, 4, 0, 0};
    SCOPED_TRACE(marker);
    ExpectFull(ReadExif(folder.Write("a.jpg", FullExif().InsertInto(PlainJpeg(), before))));
  }
}

ExifInfo Read(const ExifBuilder& exif) {
  const TemporaryFolder folder;
  return ReadExif(folder.Write("a.jpg", exif.InsertInto(PlainJpeg())));
}

// FullExif with another position, both angles alike.
template <typename Give>
ExifBuilder WithAngles(Give give) {
  ExifBuilder exif = FullExif();
  for (const std::uint16_t tag : {std::uint16_t{2}, std::uint16_t{4}}) {
    exif.Remove(kGpsIfd, tag);
    give(exif, tag);
  }
  return exif;
}

TEST(Exif, NumbersAreReadWhateverTheirType) {
  const auto of_rationals = Read(WithAngles([](ExifBuilder& exif, std::uint16_t tag) {
    exif.SignedRational(kGpsIfd, tag, {{33, 1}, {30, 1}, {0, 1}});
  }));
  EXPECT_EQ(of_rationals.latitude_deg, -33.5);
  EXPECT_EQ(of_rationals.longitude_deg, 33.5);
  const auto of_doubles = Read(WithAngles([](ExifBuilder& exif, std::uint16_t tag) {
    exif.Double(kGpsIfd, tag, {33, 30, 0});
  }));
  EXPECT_EQ(of_doubles.latitude_deg, -33.5);

  for (const int type : {0, 1, 2, 3, 4}) {
    ExifBuilder exif;
    if (type == 0) exif.Rational(kExifIfd, 0xa405, {{28, 1}});
    if (type == 1) exif.SignedRational(kExifIfd, 0xa405, {{28, 1}});
    if (type == 2) exif.Long(kExifIfd, 0xa405, 28);
    if (type == 3) exif.Double(kExifIfd, 0xa405, {28});
    if (type == 4) exif.Ascii(kExifIfd, 0xa405, "28");
    EXPECT_EQ(Read(exif).focal_length_35mm, 28) << type;
  }
}

TEST(Exif, SecondsThatAreNotKnownCountAsNoneAndDegreesThatAreNotKnownAsNoPlace) {
  const auto unknown_seconds = Read(WithAngles([](ExifBuilder& exif, std::uint16_t tag) {
    exif.Rational(kGpsIfd, tag, {{33, 1}, {30, 1}, {0, 0}});
  }));
  EXPECT_EQ(unknown_seconds.latitude_deg, -33.5);
  const auto unknown_degrees = Read(WithAngles([](ExifBuilder& exif, std::uint16_t tag) {
    exif.Rational(kGpsIfd, tag, {{0, 0}, {30, 1}, {0, 1}});
  }));
  EXPECT_FALSE(unknown_degrees.latitude_deg || unknown_degrees.longitude_deg || unknown_degrees.altitude_m);
}

TEST(Exif, ZeroNorthZeroEastIsWhatReceiversWithoutAFixWriteAndNoPlace) {
  const auto at = [](std::uint32_t north, std::uint32_t east) {
    ExifBuilder exif = FullExif();
    exif.Remove(kGpsIfd, 2);
    exif.Remove(kGpsIfd, 4);
    exif.Rational(kGpsIfd, 2, {{north, 1}, {0, 1}, {0, 1}});
    exif.Rational(kGpsIfd, 4, {{east, 1}, {0, 1}, {0, 1}});
    return Read(exif);
  };
  EXPECT_FALSE(at(0, 0).latitude_deg || at(0, 0).longitude_deg || at(0, 0).altitude_m);
  EXPECT_EQ(at(0, 30).longitude_deg, 30) << "on the equator";
  EXPECT_EQ(at(0, 30).latitude_deg, 0);
}

TEST(Exif, AnAltitudeThatIsMissingOrNotKnownLeavesThePlace) {
  for (const bool is_missing : {true, false}) {
    ExifBuilder exif = FullExif();
    exif.Remove(kGpsIfd, 6);
    if (!is_missing) exif.Rational(kGpsIfd, 6, {{5, 0}});
    const ExifInfo info = Read(exif);
    EXPECT_TRUE(info.latitude_deg && info.longitude_deg);
    EXPECT_FALSE(info.altitude_m);
  }
}

TEST(Exif, ReferencesThatAreMissingMeanNorthEastAndAboveTheSea) {
  ExifBuilder exif = FullExif();
  for (const std::uint16_t tag : {1, 3, 5}) exif.Remove(kGpsIfd, tag);
  const ExifInfo info = Read(exif);
  EXPECT_GT(info.latitude_deg.value(), 33);
  EXPECT_GT(info.longitude_deg.value(), 151);
  EXPECT_EQ(info.altitude_m, 12.34);
}

TEST(Exif, XmpTellsWhatExifDoesNot) {
  const TemporaryFolder folder;
  const std::string xmp =
      "http://ns.adobe.com/xap/1.0/" + std::string(1, '\0') +
      "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
      "<rdf:Description rdf:about='' xmlns:exif='http://ns.adobe.com/exif/1.0/' "
      "xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Make='Canon' tiff:Model='EOS' tiff:Orientation='6' "
      "exif:FocalLengthIn35mmFilm='28' exif:GPSLatitude='33,30.0S' exif:GPSLongitude='151,12.6E'/>"
      "</rdf:RDF></x:xmpmeta>";
  Bytes segment = {0xff, 0xe1, static_cast<std::uint8_t>((xmp.size() + 2) >> 8),
                   static_cast<std::uint8_t>((xmp.size() + 2) & 0xff)};
  segment.insert(segment.end(), xmp.begin(), xmp.end());
  Bytes jpeg = PlainJpeg();
  jpeg.insert(jpeg.begin() + 2, segment.begin(), segment.end());
  const ExifInfo info = ReadExif(folder.Write("a.jpg", jpeg));
  EXPECT_EQ(info.make, "Canon");
  EXPECT_EQ(info.focal_length_35mm, 28);
  EXPECT_NEAR(info.latitude_deg.value(), -33.5, 1e-9);
  EXPECT_FALSE(info.orientation) << "COLMAP does not take it from there";
  // EXIF counts before XMP.
  ExpectFull(ReadExif(folder.Write("b.jpg", FullExif().InsertInto(PlainJpeg(), segment))));
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

TEST(Exif, TextsRangesAndZeroDenominatorsAreIgnored) {
  const TemporaryFolder folder;
  ExifBuilder exif;
  exif.Short(kIfd0, 0x010f, 7);                          // Make as a number
  exif.Ascii(kIfd0, 0x0110, "   ");                      // Model of blanks
  exif.Short(kIfd0, 0x0112, 9);                          // Orientation above 8
  exif.Rational(kExifIfd, 0x920a, {{50, 0}});            // 50/0 mm
  exif.Ascii(kExifIfd, 0xa405, "35 mm");                 // no number
  exif.Rational(kExifIfd, 0xa20e, {{0, 0}});             // resolution not known
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
