// Image headers without decoding, and completeness checks that cv::imdecode does not make.
#include "plugin/image_codecs.h"

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <string_view>

#include "network/crc32.h"
#include "network/error.h"

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
  const bool big_endian = bytes[0] == 'M';
  const std::uint64_t directory = ReadInteger(bytes, 4, 4, big_endian);
  const std::uint64_t num_entries = ReadInteger(bytes, directory, 2, big_endian);
  ImageHeader header{ImageFormat::kTiff, 0, 0};
  for (std::uint64_t i = 0; i < num_entries; ++i) {
    const std::uint64_t entry = directory + 2 + 12 * i;
    const std::uint64_t tag = ReadInteger(bytes, entry, 2, big_endian);
    if (tag != 256 && tag != 257) continue;                                      // ImageWidth, ImageLength
    const int size = ReadInteger(bytes, entry + 2, 2, big_endian) == 3 ? 2 : 4;  // SHORT or LONG
    const std::uint64_t value = ReadInteger(bytes, entry + 8, size, big_endian);
    (tag == 256 ? header.width_px : header.height_px) = value;
  }
  return header;
}

ImageHeader ParseWebp(const Bytes& bytes) {
  // The RIFF size counts from byte 8; a shorter file is truncated.
  if (ReadInteger(bytes, 4, 4, false) + 8 > bytes.size())
    throw InputError("truncated WebP: the file is too short");
  ImageHeader header{ImageFormat::kWebp, 0, 0};
  if (HasText(bytes, 12, "VP8X", 4)) {
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

// P1..P6: two numbers in ASCII, with blanks and #-comments between.
ImageHeader ParsePnm(const Bytes& bytes) {
  std::size_t at = 2;
  const auto next_number = [&]() -> std::uint64_t {
    while (at < bytes.size() && (std::isspace(bytes[at]) || bytes[at] == '#')) {
      if (bytes[at] == '#') {
        while (at < bytes.size() && bytes[at] != '\n') ++at;
      } else {
        ++at;
      }
    }
    std::uint64_t value = 0;
    if (at >= bytes.size() || !std::isdigit(bytes[at])) throw InputError("damaged PNM header: no image size");
    while (at < bytes.size() && std::isdigit(bytes[at]) && value < (1ull << 32))
      value = 10 * value + bytes[at++] - '0';
    return value;
  };
  const std::uint64_t width = next_number();
  return {ImageFormat::kPnm, width, next_number()};
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

}  // namespace

std::optional<ImageFormat> SniffFormat(const Bytes& bytes) {
  if (HasText(bytes, 0, "\xff\xd8\xff", 3)) return ImageFormat::kJpeg;
  if (HasText(bytes, 0, "\x89PNG\r\n\x1a\n", 8)) return ImageFormat::kPng;
  if (HasText(bytes, 0, "II*\0", 4) || HasText(bytes, 0, "MM\0*", 4)) return ImageFormat::kTiff;
  if (HasText(bytes, 0, "RIFF", 4) && HasText(bytes, 8, "WEBP", 4)) return ImageFormat::kWebp;
  // The size of the second BMP header, 40 or more, tells a bitmap from a text that starts with BM.
  if (HasText(bytes, 0, "BM", 2) && bytes.size() >= 18 && bytes[14] >= 40 && bytes[15] == 0)
    return ImageFormat::kBmp;
  if (bytes.size() > 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' && std::isspace(bytes[2])) {
    return ImageFormat::kPnm;
  }
  return std::nullopt;
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
      return ParsePnm(bytes);
  }
  throw InputError("unknown image format");
}

cv::Mat DecodeGray(const Bytes& bytes, const ImageHeader& header) {
  if (header.format == ImageFormat::kJpeg) return DecodeJpegGray(bytes);
  if (header.format == ImageFormat::kPng) CheckPngChunks(bytes);
  const cv::Mat gray = cv::imdecode(bytes, cv::IMREAD_GRAYSCALE | cv::IMREAD_IGNORE_ORIENTATION);
  if (gray.empty()) throw InputError("truncated or damaged image: the pixels cannot be decoded");
  if (gray.type() != CV_8U) throw InputError("unsupported pixel type: convert it to 8-bit PNG or JPEG");
  if (static_cast<std::uint64_t>(gray.cols) != header.width_px ||
      static_cast<std::uint64_t>(gray.rows) != header.height_px) {
    throw InputError("damaged image: header says " + std::to_string(header.width_px) + "x" +
                     std::to_string(header.height_px) + ", decoded " + std::to_string(gray.cols) + "x" +
                     std::to_string(gray.rows));
  }
  return gray;
}

}  // namespace colmatch
