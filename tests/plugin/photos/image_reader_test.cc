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

#include "plugin/photos/image_resize.h"
#include "tests/message_of.h"
#include "tests/plugin/jpeg_scan_bomb.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;

// Smooth with detail everywhere, so that losing rows loses something.
cv::Mat TestPicture(int width, int height, int channels = 1) {
  cv::Mat picture(height, width, CV_8UC(channels));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width * channels; ++x)
      picture.ptr(y)[x] = static_cast<std::uint8_t>((x * 7 + y * 5) % 251);
  }
  cv::GaussianBlur(picture, picture, cv::Size(5, 5), 1.5);
  return picture;
}

Bytes Encode(const std::string& suffix, const cv::Mat& picture, const std::vector<int>& params = {}) {
  Bytes bytes;
  EXPECT_TRUE(cv::imencode(suffix, picture, bytes, params));
  return bytes;
}

Bytes FirstBytes(const Bytes& bytes, std::size_t count) {
  return Bytes(bytes.begin(), bytes.begin() + count);
}

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

std::string UsageErrorOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ListImages, NamesAreRelativeRecursiveAndSortedAsBytes) {
  const TemporaryFolder folder;
  for (const char* name : {"b.jpg", "sub/ünï çödé 図.JPG", "a-b/x.png", "a/y.png", "-dash.png"}) {
    folder.Write(name, "x");
  }
  const auto expected = ElementsAre("-dash.png", "a-b/x.png", "a/y.png", "b.jpg", "sub/ünï çödé 図.JPG");
  EXPECT_THAT(ListImages(folder.path()), expected);
  EXPECT_THAT(ListImages(folder.path().string() + "/"), expected);
}

TEST(ListImages, FilesThatAreNoPhotosByTheirSuffixAreLeftOutUnlessAListNamesThem) {
  const TemporaryFolder folder;
  for (const char* name :
       {"a.jpg", "b.TIFF", "LICENSE", "LICENSE.txt", "sub/labels.json", "c.jpg.txt", ".jpg", "jpg"}) {
    folder.Write(name, "x");
  }
  EXPECT_THAT(ListImages(folder.path()), ElementsAre("a.jpg", "b.TIFF"));
  const fs::path list = folder.Write("list.txt", "LICENSE\na.jpg");
  EXPECT_THAT(ListImages(folder.path(), list), ElementsAre("LICENSE", "a.jpg"));
}

TEST(ListImages, PhotosOfFormatsThatCannotBeReadAreNamedSoThatTheyCanBeReported) {
  const TemporaryFolder folder;
  for (const char* name : {"a.HEIC", "b.dng", "c.gif"}) folder.Write(name, "x");
  EXPECT_THAT(ListImages(folder.path()), ElementsAre("a.HEIC", "b.dng", "c.gif"));
}

TEST(ListImages, BrokenLinksAndSpecialFilesAreNamedSoThatTheyCanBeReported) {
  const TemporaryFolder folder;
  fs::create_symlink("nowhere", folder.path() / "broken.jpg");
  ASSERT_EQ(mkfifo((folder.path() / "fifo.jpg").c_str(), 0600), 0);
  fs::create_directory(folder.path() / "folder.jpg");
  EXPECT_THAT(ListImages(folder.path()), ElementsAre("broken.jpg", "fifo.jpg"));
}

TEST(ListImages, LinksToFoldersAreFollowedAndEachFolderIsReadOnce) {
  const TemporaryFolder folder;
  folder.Write("elsewhere/deep/b.jpg", "x");
  folder.Write("photos/real/a.jpg", "x");
  const fs::path photos = folder.path() / "photos";
  fs::create_directory_symlink(folder.path() / "elsewhere", photos / "link");
  fs::create_directory_symlink(photos, photos / "real" / "circle");
  fs::create_directory_symlink(photos / "real", photos / "again");
  EXPECT_THAT(ListImages(photos), ElementsAre("link/deep/b.jpg", "real/a.jpg"));
  fs::create_directory_symlink(photos, folder.path() / "root");
  EXPECT_THAT(ListImages(folder.path() / "root"), ElementsAre("link/deep/b.jpg", "real/a.jpg"));
}

TEST(ListImages, WhatSystemsPutBesidePhotosIsLeftOut) {
  const TemporaryFolder folder;
  for (const char* name : {"a.jpg", "._a.jpg", "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "sub/@eaDir/x.jpg",
                           "__MACOSX/a.jpg", ".Trash-1000/files/b.jpg", "#recycle/b.jpg", ".thumbnails/c.jpg",
                           "sub/._b.jpg", "sub/.hidden.jpg", "sub/b.jpg"})
    folder.Write(name, "x");
  EXPECT_THAT(ListImages(folder.path()), ElementsAre("a.jpg", "sub/.hidden.jpg", "sub/b.jpg"));
}

TEST(ListImages, AMissingOrEmptyFolderIsAUsageErrorThatNamesIt) {
  const TemporaryFolder folder;
  EXPECT_THAT(UsageErrorOf([&] { ListImages(folder.path() / "gone"); }), HasSubstr("gone' does not exist"));
  EXPECT_THAT(UsageErrorOf([&] { ListImages(folder.path()); }), HasSubstr("holds no photos"));
  folder.Write("LICENSE.txt", "x");
  EXPECT_THAT(UsageErrorOf([&] { ListImages(folder.path()); }), HasSubstr("holds no photos"));
  fs::remove(folder.path() / "LICENSE.txt");
  const fs::path file = folder.Write("file", "x");
  EXPECT_THAT(UsageErrorOf([&] { ListImages(file); }), HasSubstr("is not a folder"));
}

TEST(ListImages, AListGivesItsNamesOnceAndSortedWhetherOrNotTheyExist) {
  const TemporaryFolder folder;
  const fs::path list = folder.Write("list.txt", "b.jpg\r\n\n  a b.jpg \nb.jpg\nsub/c.jpg");
  EXPECT_THAT(ListImages(folder.path(), list), ElementsAre("a b.jpg", "b.jpg", "sub/c.jpg"));
}

TEST(ListImages, AListThatIsMissingEmptyOrLeavesTheFolderIsAUsageError) {
  const TemporaryFolder folder;
  const auto error_of = [&](const fs::path& list) {
    return UsageErrorOf([&] { ListImages(folder.path(), list); });
  };
  EXPECT_THAT(error_of(folder.path() / "gone.txt"), HasSubstr("gone.txt' cannot be read"));
  EXPECT_THAT(error_of(folder.path()), HasSubstr("cannot be read"));
  EXPECT_THAT(error_of(folder.Write("empty.txt", " \n\n")), HasSubstr("names no image"));
  EXPECT_THAT(error_of(folder.Write("up.txt", "../secret.jpg")), HasSubstr("../secret.jpg"));
  EXPECT_THAT(error_of(folder.Write("absolute.txt", "/etc/passwd")), HasSubstr("/etc/passwd"));
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

// An uncompressed TIFF of one strip. More entries: tag, type, value.
struct TiffEntry {
  std::uint16_t tag, type;
  std::uint32_t value;
};

Bytes MakeTiff(const cv::Mat& samples, int sample_format, std::vector<TiffEntry> more = {},
               bool is_big = false) {
  const auto bits = static_cast<std::uint32_t>(8 * samples.elemSize1());
  const auto num_bytes = static_cast<std::uint32_t>(samples.total() * samples.elemSize());
  std::vector<TiffEntry> entries = {{256, 4, static_cast<std::uint32_t>(samples.cols)},
                                    {257, 4, static_cast<std::uint32_t>(samples.rows)},
                                    {258, 3, bits},
                                    {259, 3, 1},
                                    {262, 3, 1},
                                    {277, 3, static_cast<std::uint32_t>(samples.channels())},
                                    {278, 4, static_cast<std::uint32_t>(samples.rows)},
                                    {279, 4, num_bytes},
                                    {339, 3, static_cast<std::uint32_t>(sample_format)}};
  entries.insert(entries.end(), more.begin(), more.end());
  const std::size_t word = is_big ? 8 : 4;
  const std::size_t pixels_at =
      (is_big ? 16 : 8) + (is_big ? 8 : 2) + (entries.size() + 1) * (4 + 2 * word) + word;
  entries.push_back({273, 4, static_cast<std::uint32_t>(pixels_at)});
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.tag < b.tag; });
  Bytes file;
  const auto put = [&file](std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) file.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  file.insert(file.end(), {'I', 'I'});
  put(is_big ? 43 : 42, 2);
  if (is_big) put(8, 4);
  put(is_big ? 16 : 8, word);
  put(entries.size(), is_big ? 8 : 2);
  for (const TiffEntry& entry : entries) {
    put(entry.tag, 2);
    put(entry.type, 2);
    put(1, word);
    put(entry.value, word);
  }
  put(0, word);
  file.insert(file.end(), samples.data, samples.data + num_bytes);
  return file;
}

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
