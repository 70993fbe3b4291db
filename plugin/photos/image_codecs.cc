// Image headers without decoding, and completeness checks that cv::imdecode does not make.
#include "plugin/photos/image_codecs.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <string_view>

#include "plugin/photos/tiff_header.h"
#include "util/crc32.h"
#include "util/error.h"

namespace colmatch {
namespace {

using Bytes = std::vector<std::uint8_t>;

bool HasText(const Bytes& bytes, std::size_t offset, const char* text, std::size_t length) {
  return bytes.size() >= offset + length && std::memcmp(bytes.data() + offset, text, length) == 0;
}

// Unsigned integer of `size` bytes; throws if the file ends before it.
std::uint64_t ReadInteger(const Bytes& bytes, std::uint64_t offset, int size, bool big_endian) {
  if (offset > bytes.size() || bytes.size() - offset < static_cast<std::uint64_t>(size)) {
    throw InputError("truncated image: the file ends inside its header");
  }
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i) {
    const int shift = 8 * (big_endian ? size - 1 - i : i);
    value |= static_cast<std::uint64_t>(bytes[offset + i]) << shift;
  }
  return value;
}

ImageHeader ParsePng(const Bytes& bytes) {
  if (!HasText(bytes, 12, "IHDR", 4)) throw InputError("damaged PNG: no IHDR chunk at the start");
  return {ImageFormat::kPng, ReadInteger(bytes, 16, 4, true), ReadInteger(bytes, 20, 4, true)};
}

ImageHeader ParseBmp(const Bytes& bytes) {
  // A negative height means rows from top to bottom.
  const auto width = static_cast<std::int32_t>(ReadInteger(bytes, 18, 4, false));
  const auto height = static_cast<std::int32_t>(ReadInteger(bytes, 22, 4, false));
  return {ImageFormat::kBmp, static_cast<std::uint64_t>(std::llabs(width)),
          static_cast<std::uint64_t>(std::llabs(height))};
}

ImageHeader ParseTiff(const Bytes& bytes) {
  const TiffHeader tiff = ParseTiffHeader(bytes);
  if (tiff.is_raw || tiff.is_thumbnail) {
    throw InputError(
        "raw photo (DNG or a camera's own format); expected a developed one: convert it to JPEG");
  }
  return {ImageFormat::kTiff, tiff.width_px, tiff.height_px};
}

ImageHeader ParseWebp(const Bytes& bytes) {
  // The RIFF size counts from byte 8; a shorter file is truncated.
  if (ReadInteger(bytes, 4, 4, false) + 8 > bytes.size())
    throw InputError("truncated WebP: the file is too short");
  ImageHeader header{ImageFormat::kWebp, 0, 0};
  if (HasText(bytes, 12, "VP8X", 4)) {
    constexpr std::uint64_t kAnimation = 2;
    if (ReadInteger(bytes, 20, 1, false) & kAnimation) {
      throw InputError("animated WebP; expected a still picture: save one of its pictures as JPEG or PNG");
    }
    header.width_px = ReadInteger(bytes, 24, 3, false) + 1;
    header.height_px = ReadInteger(bytes, 27, 3, false) + 1;
  } else if (HasText(bytes, 12, "VP8L", 4)) {
    const std::uint64_t bits = ReadInteger(bytes, 21, 4, false);
    header.width_px = (bits & 0x3fff) + 1;
    header.height_px = ((bits >> 14) & 0x3fff) + 1;
  } else {
    header.width_px = ReadInteger(bytes, 26, 2, false) & 0x3fff;
    header.height_px = ReadInteger(bytes, 28, 2, false) & 0x3fff;
  }
  return header;
}

// libpng tells of damage on stderr, and of a cut file only if pixels are missing: walk the chunks up to IEND
// instead. A chunk is length, type, data, CRC of type and data; without those whose type starts with a
// capital there is no picture.
void CheckPngChunks(const Bytes& bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (std::uint64_t at = 8; at + 12 <= bytes.size();) {
    const std::uint64_t length = ReadInteger(bytes, at, 4, true);
    if (length > bytes.size() - at - 12) break;
    const std::string_view type = text.substr(at + 4, 4);
    const bool is_critical = std::isupper(static_cast<unsigned char>(type[0])) != 0;
    if (is_critical &&
        Crc32(text.substr(at + 4, 4 + length)) != ReadInteger(bytes, at + 8 + length, 4, true)) {
      throw InputError("damaged PNG: the checksum of a chunk differs");
    }
    if (type == "IEND") return;
    at += 12 + length;
  }
  throw InputError("truncated PNG: the file ends before its end chunk");
}

// Pixels as OpenCV gives them: 8 or 16 bits, one channel.
cv::Mat DecodeAnyDepth(const Bytes& bytes, const ImageHeader& header) {
  constexpr int kFlags = cv::IMREAD_GRAYSCALE | cv::IMREAD_ANYDEPTH | cv::IMREAD_IGNORE_ORIENTATION;
  cv::Mat gray;
  std::string reason = "truncated or damaged image: the pixels cannot be decoded";
  if (header.format == ImageFormat::kTiff) {
    const TiffHeader tiff = ParseTiffHeader(bytes);
    reason = WhyTiffIsNotRead(tiff);
    gray = cv::imdecode(tiff.orientations.empty() ? bytes : WithoutTiffOrientation(bytes, tiff), kFlags);
  } else if (header.format == ImageFormat::kPnm) {
    gray = DecodePnmGray(bytes);
  } else {
    if (header.format == ImageFormat::kPng) CheckPngChunks(bytes);
    gray = cv::imdecode(bytes, kFlags);
  }
  if (gray.empty() || gray.channels() != 1 || gray.elemSize() > 2) throw InputError(reason);
  return gray;
}

// 16-bit samples to 8 bits. Cameras and scanners store 10, 12 and 14 bits in 16: the highest sample tells.
cv::Mat EightBits(const cv::Mat& gray) {
  if (gray.depth() == CV_8U) return gray;
  double highest = 0;
  cv::minMaxLoc(gray, nullptr, &highest);
  int bits = 8;
  while (bits < 16 && highest >= (1 << bits)) bits += 2;
  cv::Mat eight(gray.size(), CV_8U);
  for (int y = 0; y < gray.rows; ++y) {
    const auto* in = gray.ptr<std::uint16_t>(y);
    for (int x = 0; x < gray.cols; ++x)
      eight.ptr<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(in[x] >> (bits - 8));
  }
  return eight;
}

}  // namespace

std::optional<ImageFormat> SniffFormat(const Bytes& bytes) {
  if (HasText(bytes, 0, "\xff\xd8\xff", 3)) return ImageFormat::kJpeg;
  if (HasText(bytes, 0, "\x89PNG\r\n\x1a\n", 8)) return ImageFormat::kPng;
  if (IsTiff(bytes)) return ImageFormat::kTiff;
  if (HasText(bytes, 0, "RIFF", 4) && HasText(bytes, 8, "WEBP", 4)) return ImageFormat::kWebp;
  // The size of the second BMP header, 40 or more, tells a bitmap from a text that starts with BM.
  if (HasText(bytes, 0, "BM", 2) && bytes.size() >= 18 && bytes[14] >= 40 && bytes[15] == 0)
    return ImageFormat::kBmp;
  if (bytes.size() > 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' && std::isspace(bytes[2])) {
    return ImageFormat::kPnm;
  }
  return std::nullopt;
}

std::string NameOfOtherFormat(const Bytes& bytes) {
  struct Mark {
    std::size_t offset;
    std::string text;
    const char* what;
  };
  static constexpr char kAvif[] = "an AVIF photo; convert it to JPEG or PNG";
  static constexpr char kHeif[] = "a HEIF photo; convert it to JPEG, for example with heif-convert";
  static constexpr char kRaw[] = "a raw photo; develop it to JPEG";
  static constexpr char kConvert[] = "; convert it to JPEG or PNG";
  static const std::vector<Mark> marks = {
      {4, "ftypavif", kAvif},
      {4, "ftypavis", kAvif},
      {4, "ftypheic", kHeif},
      {4, "ftypheix", kHeif},
      {4, "ftyphevc", kHeif},
      {4, "ftyphevx", kHeif},
      {4, "ftypheim", kHeif},
      {4, "ftypheis", kHeif},
      {4, "ftypmif1", kHeif},
      {4, "ftypmsf1", kHeif},
      {4, "ftypcrx", kRaw},
      {4, "ftyp", "a film; save its pictures as JPEG, for example with ffmpeg"},
      {0, "FUJIFILMCCD-RAW", kRaw},
      // Panasonic's and Olympus' raw files are TIFFs with a number of their own.
      {0, std::string("IIU\0", 4), kRaw},
      {0, "IIRO", kRaw},
      {0, "IIRS", kRaw},
      {0, "GIF8", "a GIF"},
      {4, "jP  \r\n\x87\n", "a JPEG 2000"},
      {0, "\xff\x4f\xff\x51", "a JPEG 2000"},
      {0, "\xff\x0a", "a JPEG XL"},
      {4, "JXL ", "a JPEG XL"},
      {0, "\x76\x2f\x31\x01", "an OpenEXR picture"},
      {0, "#?RADIANCE", "a Radiance picture"},
      {0, "#?RGBE", "a Radiance picture"},
      {0, "8BPS", "a Photoshop file"},
      {0, "%PDF", "a PDF"},
      {0, "version https://git-lfs", "the place holder of a photo in Git LFS; git lfs pull gets the photo"},
      {0, "PK\3\4", "a ZIP archive; unpack it"},
      {0, "\xef\xbb\xbf", "a text; it may be the page of a failed download"},
      {0, "<", "a web page or another text; it may be the page of a failed download"}};
  for (const Mark& mark : marks) {
    if (!HasText(bytes, mark.offset, mark.text.data(), mark.text.size())) continue;
    const std::string what = mark.what;
    return what.find(';') == std::string::npos ? what + kConvert : what;
  }
  const bool is_blank = std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
  return is_blank ? "zeros from the start, as a copy that was not finished; copy it again" : "";
}

ImageHeader ParseImageHeader(const Bytes& bytes, ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg:
      return ParseJpegHeader(bytes);
    case ImageFormat::kPng:
      return ParsePng(bytes);
    case ImageFormat::kTiff:
      return ParseTiff(bytes);
    case ImageFormat::kBmp:
      return ParseBmp(bytes);
    case ImageFormat::kWebp:
      return ParseWebp(bytes);
    case ImageFormat::kPnm:
      return ParsePnmHeader(bytes);
  }
  throw InputError("unknown image format");
}

cv::Mat DecodeGray(const Bytes& bytes, const ImageHeader& header) {
  if (header.format == ImageFormat::kJpeg) return DecodeJpegGray(bytes);
  cv::Mat decoded = DecodeAnyDepth(bytes, header);
  // Signed samples: there is no light below 0.
  if (decoded.depth() == CV_8S) decoded.convertTo(decoded, CV_8U);
  if (decoded.depth() == CV_16S) decoded.convertTo(decoded, CV_16U);
  if (decoded.depth() != CV_8U && decoded.depth() != CV_16U) {
    throw InputError("unsupported pixel type: convert it to 8-bit PNG or JPEG");
  }
  const cv::Mat gray = EightBits(decoded);
  if (static_cast<std::uint64_t>(gray.cols) != header.width_px ||
      static_cast<std::uint64_t>(gray.rows) != header.height_px) {
    throw InputError("damaged image: header says " + std::to_string(header.width_px) + "x" +
                     std::to_string(header.height_px) + ", decoded " + std::to_string(gray.cols) + "x" +
                     std::to_string(gray.rows));
  }
  return gray;
}

}  // namespace colmatch
