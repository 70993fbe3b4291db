// TIFF 6.0 and BigTIFF directories; see tiff_header.h.
#include "plugin/photos/tiff_header.h"

#include <set>

#include "util/error.h"

namespace colmatch {
namespace {

using Bytes = std::vector<std::uint8_t>;

enum Tag : std::uint64_t {
  kNewSubfileType = 254,
  kImageWidth = 256,
  kImageLength = 257,
  kBitsPerSample = 258,
  kCompression = 259,
  kPhotometric = 262,
  kOrientation = 274,
  kSamplesPerPixel = 277,
  kSampleFormat = 339,
  kDngVersion = 50706,
};

constexpr std::uint64_t kColorFilterArray = 32803, kLinearRaw = 34892;  // of kPhotometric

class TiffFile {
 public:
  explicit TiffFile(const Bytes& bytes) : bytes_(bytes), big_endian_(bytes[0] == 'M') {
    is_big_tiff_ = Integer(2, 2) == 43;
  }

  // Throws InputError unless so many bytes are there.
  void Require(std::uint64_t offset, int size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < static_cast<std::uint64_t>(size)) {
      throw InputError("truncated image: the file ends inside its header");
    }
  }

  // size: 1 to 8 bytes.
  std::uint64_t Integer(std::uint64_t offset, int size) const {
    Require(offset, size);
    std::uint64_t value = 0;
    for (int i = 0; i < size; ++i) {
      const int shift = 8 * (big_endian_ ? size - 1 - i : i);
      value |= static_cast<std::uint64_t>(bytes_[offset + i]) << shift;
    }
    return value;
  }

  int OffsetSize() const { return is_big_tiff_ ? 8 : 4; }
  int CountSize() const { return is_big_tiff_ ? 8 : 2; }
  int EntrySize() const { return is_big_tiff_ ? 20 : 12; }
  std::uint64_t FirstDirectory() const { return Integer(is_big_tiff_ ? 8 : 4, OffsetSize()); }

  // Where the first value of the directory entry at `entry` is; no size for types that are no integers.
  TiffHeader::Field FirstValue(std::uint64_t entry) const {
    const std::uint64_t type = Integer(entry + 2, 2);
    const int size = type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : type == 16 ? 8 : 0;
    const std::uint64_t value = entry + 4 + OffsetSize();
    const std::uint64_t count = Integer(entry + 4, OffsetSize());
    const bool is_inline = count <= static_cast<std::uint64_t>(OffsetSize()) / (size == 0 ? 1 : size);
    return {is_inline ? value : Integer(value, OffsetSize()), size};
  }

 private:
  const Bytes& bytes_;
  bool big_endian_;
  bool is_big_tiff_ = false;
};

void Apply(std::uint64_t tag, std::uint64_t value, TiffHeader* header) {
  switch (tag) {
    case kNewSubfileType:
      header->is_thumbnail = (value & 1) != 0;
      break;
    case kImageWidth:
      header->width_px = value;
      break;
    case kImageLength:
      header->height_px = value;
      break;
    case kBitsPerSample:
      header->bits_per_sample = value;
      break;
    case kCompression:
      header->compression = value;
      break;
    case kPhotometric:
      header->is_raw = header->is_raw || value == kColorFilterArray || value == kLinearRaw;
      break;
    case kSamplesPerPixel:
      header->samples_per_pixel = value;
      break;
    case kSampleFormat:
      header->sample_format = value;
      break;
    case kDngVersion:
      header->is_raw = true;
      break;
    default:
      break;
  }
}

}  // namespace

bool IsTiff(const Bytes& bytes) {
  if (bytes.size() < 4 || bytes[0] != bytes[1]) return false;
  const bool little = bytes[0] == 'I' && bytes[3] == 0 && (bytes[2] == 42 || bytes[2] == 43);
  const bool big = bytes[0] == 'M' && bytes[2] == 0 && (bytes[3] == 42 || bytes[3] == 43);
  return little || big;
}

TiffHeader ParseTiffHeader(const Bytes& bytes) {
  const TiffFile file(bytes);
  const std::uint64_t directory = file.FirstDirectory();
  const std::uint64_t num_entries = file.Integer(directory, file.CountSize());
  TiffHeader header;
  for (std::uint64_t i = 0; i < num_entries; ++i) {
    const std::uint64_t entry = directory + file.CountSize() + file.EntrySize() * i;
    const std::uint64_t tag = file.Integer(entry, 2);
    file.Require(entry, file.EntrySize());
    const TiffHeader::Field field = file.FirstValue(entry);
    if (tag == kOrientation && field.size > 0) header.orientations.push_back(field);
    const bool is_known =
        tag == kDngVersion || tag == kNewSubfileType || (tag >= 256 && tag <= kSampleFormat);
    if (is_known && field.size > 0) Apply(tag, file.Integer(field.offset, field.size), &header);
  }
  return header;
}

Bytes WithoutTiffOrientation(Bytes bytes, const TiffHeader& header) {
  const bool big_endian = bytes[0] == 'M';
  for (const TiffHeader::Field& field : header.orientations) {
    if (field.offset + static_cast<std::uint64_t>(field.size) > bytes.size()) continue;
    for (int i = 0; i < field.size; ++i) bytes[field.offset + i] = 0;
    bytes[field.offset + (big_endian ? field.size - 1 : 0)] = 1;
  }
  return bytes;
}

std::string WhyTiffIsNotRead(const TiffHeader& header) {
  const std::string advice = "; expected 8 or 16 bits a sample, 1 to 4 samples a pixel: convert it";
  const std::string bits = std::to_string(header.bits_per_sample);
  if (header.sample_format > 4) return "TIFF of complex samples" + advice;
  if (header.sample_format == 3) return "TIFF of " + bits + "-bit floating-point samples" + advice;
  if (header.bits_per_sample > 16) return "TIFF of " + bits + "-bit integer samples" + advice;
  if (header.samples_per_pixel > 4)
    return "TIFF of " + std::to_string(header.samples_per_pixel) + " samples a pixel" + advice;
  // What libtiff always has: none, the three of fax, LZW, both of JPEG, both of Deflate, PackBits.
  static const std::set<std::uint64_t> common = {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946};
  if (common.count(header.compression) == 0) {
    return "TIFF of compression " + std::to_string(header.compression) +
           ", which cannot be read here; expected none, LZW, Deflate or JPEG: convert it";
  }
  return "truncated or damaged image: the pixels cannot be decoded";
}

}  // namespace colmatch
