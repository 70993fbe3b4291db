// Photos in, good and bad: every refusal has its reason, and nothing incomplete passes.
#include "plugin/photos/image_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
// jpeglib.h needs <cstdio> before it.
#include <jpeglib.h>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "tests/message_of.h"
#include "tests/plugin/jpeg_scan_bomb.h"
#include "tests/plugin/photos/test_pictures.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string ReasonOfRefusal(const fs::path& path, const ImageReadOptions& options = {}) {
  try {
    ReadGrayImage(path, options);
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr(path.string()));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
    return error.what();
  }
  return "accepted";
}

// Four inks, inverted as Adobe's programs store them: black carries the picture, the others are white paper.
Bytes CmykJpeg(const cv::Mat& gray) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &out, &size);
  info.image_width = static_cast<JDIMENSION>(gray.cols);
  info.image_height = static_cast<JDIMENSION>(gray.rows);
  info.input_components = 4;
  info.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  jpeg_start_compress(&info, TRUE);
  std::vector<JSAMPLE> row(4 * static_cast<std::size_t>(gray.cols), 255);
  for (int y = 0; y < gray.rows; ++y) {
    for (int x = 0; x < gray.cols; ++x)
      row[4 * static_cast<std::size_t>(x) + 3] = gray.at<std::uint8_t>(y, x);
    JSAMPROW rows[] = {row.data()};
    jpeg_write_scanlines(&info, rows, 1);
  }
  jpeg_finish_compress(&info);
  Bytes bytes(out, out + size);
  jpeg_destroy_compress(&info);
  std::free(out);
  return bytes;
}

TEST(ReadGrayImage, EveryFormatAndPixelTypeBecomesEightBitGrey) {
  const TemporaryFolder folder;
  const cv::Mat gray = TestPicture(64, 48);
  cv::Mat color, rgba, sixteen, sixteen_color;
  cv::cvtColor(gray, color, cv::COLOR_GRAY2BGR);
  cv::cvtColor(gray, rgba, cv::COLOR_GRAY2BGRA);
  gray.convertTo(sixteen, CV_16U, 257.0);
  color.convertTo(sixteen_color, CV_16U, 257.0);
  const struct {
    const char* name;
    Bytes bytes;
    double max_difference;
  } cases[] = {
      {"gray.png", Encode(".png", gray), 0},
      {"color.png", Encode(".png", color), 1},
      {"rgba.png", Encode(".png", rgba), 1},
      {"16.png", Encode(".png", sixteen), 1},
      {"gray.jpg", Encode(".jpg", gray), 12},
      {"color.jpg", Encode(".jpg", color), 12},
      {"gray.tif", Encode(".tif", gray), 0},
      {"16.tif", Encode(".tif", sixteen), 1},
      {"gray.bmp", Encode(".bmp", gray), 0},
      {"color.bmp", Encode(".bmp", color), 1},
      {"gray.pgm", Encode(".pgm", gray), 0},
      {"color.webp", Encode(".webp", color), 20},
      {"png_named.jpg", Encode(".png", gray), 0},
      {"16_color.png", Encode(".png", sixteen_color), 1},
      {"rgba.tif", Encode(".tif", rgba), 1},
      {"rgba.webp", Encode(".webp", rgba), 20},
      {"cmyk.jpg", CmykJpeg(gray), 12},
      {"lzw.tif", Encode(".tif", color, {cv::IMWRITE_TIFF_COMPRESSION, 5}), 1},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const GrayImage image = ReadGrayImage(folder.Write(c.name, c.bytes));
    EXPECT_EQ(image.width, 64);
    EXPECT_EQ(image.height, 48);
    ASSERT_EQ(image.gray.type(), CV_8U);
    EXPECT_LE(cv::norm(image.gray, gray, cv::NORM_INF), c.max_difference);
  }
}

TEST(ReadGrayImage, JpegPixelsAreThoseOfOpenCv) {
  const TemporaryFolder folder;
  const std::vector<int> progressive = {cv::IMWRITE_JPEG_PROGRESSIVE, 1};
  for (const Bytes& bytes :
       {Encode(".jpg", TestPicture(123, 77, 3)), Encode(".jpg", TestPicture(64, 64, 3), progressive)}) {
    const cv::Mat expected = cv::imdecode(bytes, cv::IMREAD_GRAYSCALE | cv::IMREAD_IGNORE_ORIENTATION);
    EXPECT_EQ(cv::norm(ReadGrayImage(folder.Write("a.jpg", bytes)).gray, expected, cv::NORM_INF), 0);
  }
}

// APP1 with one tag, Orientation, little endian.
Bytes WithOrientation(const Bytes& jpeg, std::uint8_t orientation) {
  const Bytes app1 = {0xff, 0xe1, 0,    34, 'E', 'x', 'i', 'f', 0, 0, 'I',         'I', 42, 0, 8, 0, 0, 0,
                      1,    0,    0x12, 1,  3,   0,   1,   0,   0, 0, orientation, 0,   0,  0, 0, 0, 0, 0};
  Bytes result = FirstBytes(jpeg, 2);
  result.insert(result.end(), app1.begin(), app1.end());
  result.insert(result.end(), jpeg.begin() + 2, jpeg.end());
  return result;
}

TEST(ReadGrayImage, ExifOrientationIsNeverApplied) {
  const TemporaryFolder folder;
  const Bytes jpeg = Encode(".jpg", TestPicture(64, 48));
  for (std::uint8_t orientation = 1; orientation <= 8; ++orientation) {
    const Bytes rotated = WithOrientation(jpeg, orientation);
    if (orientation == 6) {  // The tag is there: OpenCV's default would turn the picture.
      ASSERT_EQ(cv::imdecode(rotated, cv::IMREAD_GRAYSCALE).cols, 48);
    }
    const GrayImage image = ReadGrayImage(folder.Write("o.jpg", rotated));
    EXPECT_EQ(image.gray.size(), cv::Size(64, 48));
  }
}

TEST(ReadGrayImage, TenToFourteenBitsInSixteenAreStretched) {
  const TemporaryFolder folder;
  const cv::Mat gray = TestPicture(64, 48);
  for (const int bits : {8, 10, 12, 14, 16}) {
    cv::Mat sixteen;
    gray.convertTo(sixteen, CV_16U, 1 << (bits - 8));
    for (const auto& [name, bytes] : {std::pair<const char*, Bytes>{"a.png", Encode(".png", sixteen)},
                                      {"a.tif", MakeTiff(sixteen, 1)},
                                      {"a.pgm", Encode(".pgm", sixteen)}}) {
      EXPECT_LE(cv::norm(ReadGrayImage(folder.Write(name, bytes)).gray, gray, cv::NORM_INF), 0)
          << name << ' ' << bits;
    }
  }
  const std::string seven = "P5\n2 1\n15\n" + std::string("\x0f\x05");
  const cv::Mat read = ReadGrayImage(folder.Write("b.pgm", seven)).gray;
  EXPECT_EQ(read.at<std::uint8_t>(0, 0), 255) << "the largest value that the header gives";
  EXPECT_EQ(read.at<std::uint8_t>(0, 1), 85);
}

TEST(ReadGrayImage, AnimatedWebpAndOtherFormatsAreNamed) {
  const TemporaryFolder folder;
  const auto reason = [&](const std::string& bytes) {
    const auto path = folder.Write("a.jpg", bytes);
    return MessageOf<InputError>([&] { ReadGrayImage(path); });
  };
  const std::string animated = std::string("RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x3f\0\0\x2f\0\0", 30);
  EXPECT_THAT(reason(animated + std::string(8, '\0')), HasSubstr("animated WebP"));
  EXPECT_THAT(reason("GIF89a" + std::string(40, '\0')), HasSubstr("it is a GIF"));
  EXPECT_THAT(reason(std::string("\0\0\0\x18", 4) + "ftypheic" + std::string(40, '\0')),
              HasSubstr("it is a HEIF photo; convert it to JPEG"));
  EXPECT_THAT(reason(std::string("\0\0\0\x18", 4) + "ftypavif" + std::string(40, '\0')),
              HasSubstr("it is an AVIF photo; convert it to JPEG"));
  EXPECT_THAT(reason("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
              HasSubstr("git lfs pull"));
  EXPECT_THAT(reason("<!DOCTYPE html>" + std::string(40, ' ')), HasSubstr("failed download"));
  EXPECT_THAT(reason(std::string(5000, '\0')), HasSubstr("not finished"));
  EXPECT_THAT(reason("no photo" + std::string(40, ' ')), testing::EndsWith("PNM)")) << "nothing is guessed";
}

TEST(ReadGrayImage, ATruncatedFileIsRefusedWhereverItIsCut) {
  const TemporaryFolder folder;
  const cv::Mat picture = TestPicture(160, 120, 3);
  const std::vector<int> progressive = {cv::IMWRITE_JPEG_PROGRESSIVE, 1};
  const struct {
    const char* name;
    Bytes bytes;
  } cases[] = {{"a.jpg", Encode(".jpg", picture)}, {"p.jpg", Encode(".jpg", picture, progressive)},
               {"a.png", Encode(".png", picture)}, {"a.tif", Encode(".tif", picture)},
               {"a.bmp", Encode(".bmp", picture)}, {"a.webp", Encode(".webp", picture)},
               {"a.ppm", Encode(".ppm", picture)}};
  for (const auto& c : cases) {
    ASSERT_EQ(ReasonOfRefusal(folder.Write(c.name, c.bytes)), "accepted") << c.name;
    for (const double fraction : {0.01, 0.1, 0.5, 0.9, 0.99}) {
      const Bytes cut = FirstBytes(c.bytes, static_cast<std::size_t>(c.bytes.size() * fraction));
      EXPECT_THAT(ReasonOfRefusal(folder.Write(c.name, cut)), testing::Not("accepted"))
          << c.name << " " << fraction;
    }
  }
  EXPECT_THAT(ReasonOfRefusal(folder.Write("a.jpg", FirstBytes(cases[0].bytes, cases[0].bytes.size() / 2))),
              HasSubstr("truncated or damaged JPEG"));
  EXPECT_THAT(ReasonOfRefusal(folder.Write("e.jpg", FirstBytes(cases[0].bytes, cases[0].bytes.size() - 2))),
              HasSubstr("remature end"));
  EXPECT_THAT(ReasonOfRefusal(folder.Write("e.png", FirstBytes(cases[2].bytes, cases[2].bytes.size() - 12))),
              HasSubstr("truncated PNG"));
}

TEST(ReadGrayImage, BytesAfterTheEndOfAJpegAreHarmless) {
  const TemporaryFolder folder;
  Bytes bytes = Encode(".jpg", TestPicture(64, 48));
  bytes.insert(bytes.end(), 5000, 0x41);
  EXPECT_EQ(ReadGrayImage(folder.Write("a.jpg", bytes)).width, 64);
}

TEST(ReadGrayImage, AJpegWithDamagedPixelDataIsRefused) {
  const TemporaryFolder folder;
  Bytes bytes = Encode(".jpg", TestPicture(160, 120));
  // A marker in the middle ends the data early.
  bytes[bytes.size() / 2] = 0xff;
  bytes[bytes.size() / 2 + 1] = 0xd9;
  EXPECT_THAT(ReasonOfRefusal(folder.Write("a.jpg", bytes)), HasSubstr("truncated or damaged JPEG"));
}

TEST(ReadGrayImage, APngWithADamagedChunkIsRefusedByItsChecksumUnlessThePictureDoesNotNeedIt) {
  const TemporaryFolder folder;
  Bytes bytes = Encode(".png", TestPicture(160, 120));
  // A text chunk behind the header's (8 + 25 bytes), whose checksum is wrong.
  const std::string text = std::string("\0\0\0\4tEXta\0bc\1\2\3\4", 16);
  bytes.insert(bytes.begin() + 33, text.begin(), text.end());
  EXPECT_EQ(ReadGrayImage(folder.Write("a.png", bytes)).width, 160);
  bytes[bytes.size() / 2] ^= 1;
  EXPECT_THAT(ReasonOfRefusal(folder.Write("a.png", bytes)), HasSubstr("checksum of a chunk"));
}

TEST(ReadGrayImage, WhatIsNoImageIsRefusedWithItsReason) {
  const TemporaryFolder folder;
  fs::create_directory(folder.path() / "folder.jpg");
  fs::create_symlink("nowhere", folder.path() / "broken.jpg");
  fs::create_symlink("loop.jpg", folder.path() / "loop.jpg");
  ASSERT_EQ(mkfifo((folder.path() / "fifo.jpg").c_str(), 0600), 0);
  const struct {
    fs::path path;
    const char* reason;
  } cases[] = {
      {folder.Write("text.jpg", "this is not a picture, whatever its name says"), "not an image"},
      {folder.Write("bm.txt", "BMW is a make of cars, not a bitmap"), "not an image"},
      {folder.Write("empty.jpg", ""), "empty file"},
      {folder.Write("one.jpg", "\xff"), "not an image"},
      {folder.Write("head.png", "\x89PNG\r\n\x1a\n"), "PNG"},
      {folder.Write("head.jpg", "\xff\xd8\xff"), "JPEG"},
      {folder.Write("huge.tif", std::string("II*\0\xff\xff\xff\xff", 8)), "ends inside its header"},
      {folder.path() / "folder.jpg", "is a folder"},
      {folder.path() / "fifo.jpg", "not a regular file"},
      {folder.path() / "broken.jpg", "broken link"},
      {folder.path() / "loop.jpg", "cannot be read"},
      {folder.path() / "gone.jpg", "no such file"},
  };
  for (const auto& c : cases) EXPECT_THAT(ReasonOfRefusal(c.path), HasSubstr(c.reason));
}

TEST(ReadGrayImage, AFileWithoutReadPermissionIsRefusedWithThatReason) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TemporaryFolder folder;
  const fs::path path = folder.Write("secret.png", Encode(".png", TestPicture(8, 8)));
  fs::permissions(path, fs::perms::none);
  EXPECT_THAT(ReasonOfRefusal(path), HasSubstr("Permission denied"));
}

void WriteBigEndian(std::uint32_t value, std::uint8_t* at) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

TEST(ReadGrayImage, AnImageBombIsRefusedFromItsHeader) {
  const TemporaryFolder folder;
  Bytes png = Encode(".png", TestPicture(8, 8));
  WriteBigEndian(60000, &png[16]);
  WriteBigEndian(60000, &png[20]);
  EXPECT_THAT(ReasonOfRefusal(folder.Write("bomb.png", png)),
              HasSubstr("60000x60000 pixels is over the limit"));
  WriteBigEndian(0xffffffff, &png[16]);  // The product would overflow 32 bits.
  WriteBigEndian(0xffffffff, &png[20]);
  EXPECT_THAT(ReasonOfRefusal(folder.Write("bomb.png", png)), HasSubstr("over the limit"));

  Bytes jpeg = Encode(".jpg", TestPicture(8, 8));
  for (std::size_t i = 0; i + 9 < jpeg.size(); ++i) {
    if (jpeg[i] == 0xff && jpeg[i + 1] == 0xc0) std::fill_n(jpeg.begin() + i + 5, 4, 0xfe);
  }
  EXPECT_THAT(ReasonOfRefusal(folder.Write("bomb.jpg", jpeg)),
              HasSubstr("65278x65278 pixels is over the limit"));

  ImageReadOptions options;
  options.max_num_pixels = 63;
  EXPECT_THAT(ReasonOfRefusal(folder.Write("small.png", Encode(".png", TestPicture(8, 8))), options),
              HasSubstr("over the limit of 63"));
  options.max_num_pixels = 64;
  EXPECT_EQ(ReadGrayImage(folder.path() / "small.png", options).width, 8);
}

TEST(ReadGrayImage, AJpegOfMoreThan500ScansIsRefused) {
  const TemporaryFolder folder;
  EXPECT_EQ(ReadGrayImage(folder.Write("64.jpg", MakeJpegOfManyScans(0))).width, 8);
  EXPECT_THAT(ReasonOfRefusal(folder.Write("568.jpg", MakeJpegOfManyScans(8))),
              HasSubstr("more than 500 scans"));
}

TEST(ReadGrayImage, RandomDamageNeverCrashesAndIsRefusedOrDecodedInFull) {
  const TemporaryFolder folder;
  std::uint32_t state = 1;
  const auto next = [&state] { return state = state * 1664525u + 1013904223u; };
  for (const char* suffix : {".jpg", ".png", ".tif", ".webp"}) {
    const Bytes good = Encode(suffix, TestPicture(40, 30, 3));
    for (int i = 0; i < 60; ++i) {
      Bytes bad = good;
      for (int k = 0; k < 3; ++k) bad[(next() >> 8) % bad.size()] = static_cast<std::uint8_t>(next() >> 16);
      ImageReadOptions options;
      options.max_num_pixels = 1 << 20;
      const fs::path path = folder.Write(std::string("bad") + suffix, bad);
      try {
        const GrayImage image = ReadGrayImage(path, options);
        EXPECT_EQ(image.gray.cols, image.width);
        EXPECT_GT(image.width, 0);
      } catch (const InputError&) {
      }
    }
  }
}

}  // namespace
}  // namespace colmatch
