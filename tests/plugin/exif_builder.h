// Writes EXIF blocks for tests: three directories (main, EXIF, GPS) of tags, in either byte order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "util/crc32.h"

namespace colmatch {

enum ExifDirectory { kIfd0 = 0, kExifIfd = 1, kGpsIfd = 2 };

class ExifBuilder {
 public:
  explicit ExifBuilder(bool big_endian = false) : big_endian_(big_endian) {}

  void Ascii(ExifDirectory directory, std::uint16_t tag, const std::string& text) {
    Bytes value(text.begin(), text.end());
    value.push_back(0);
    Add(directory, tag, 2, static_cast<std::uint32_t>(value.size()), value);
  }
  void Byte(ExifDirectory directory, std::uint16_t tag, std::uint8_t value) {
    Add(directory, tag, 1, 1, {value});
  }
  void Short(ExifDirectory directory, std::uint16_t tag, std::uint16_t value) {
    Bytes bytes;
    Put(value, 2, &bytes);
    Add(directory, tag, 3, 1, bytes);
  }
  void Long(ExifDirectory directory, std::uint16_t tag, std::uint32_t value) {
    Bytes bytes;
    Put(value, 4, &bytes);
    Add(directory, tag, 4, 1, bytes);
  }
  void Rational(ExifDirectory directory, std::uint16_t tag,
                const std::vector<std::pair<std::uint32_t, std::uint32_t>>& values) {
    Bytes bytes;
    for (const auto& [numerator, denominator] : values) {
      Put(numerator, 4, &bytes);
      Put(denominator, 4, &bytes);
    }
    Add(directory, tag, 5, static_cast<std::uint32_t>(values.size()), bytes);
  }

  void SignedRational(ExifDirectory directory, std::uint16_t tag,
                      const std::vector<std::pair<std::int32_t, std::int32_t>>& values) {
    Bytes bytes;
    for (const auto& [numerator, denominator] : values) {
      Put(static_cast<std::uint32_t>(numerator), 4, &bytes);
      Put(static_cast<std::uint32_t>(denominator), 4, &bytes);
    }
    Add(directory, tag, 10, static_cast<std::uint32_t>(values.size()), bytes);
  }
  void Double(ExifDirectory directory, std::uint16_t tag, const std::vector<double>& values) {
    Bytes bytes;
    for (const double value : values) {
      std::uint64_t bits = 0;
      std::memcpy(&bits, &value, sizeof(bits));
      const std::uint32_t halves[] = {static_cast<std::uint32_t>(bits >> 32),
                                      static_cast<std::uint32_t>(bits)};
      Put(halves[big_endian_ ? 0 : 1], 4, &bytes);
      Put(halves[big_endian_ ? 1 : 0], 4, &bytes);
    }
    Add(directory, tag, 12, static_cast<std::uint32_t>(values.size()), bytes);
  }
  // Without it from here on, to be given again.
  void Remove(ExifDirectory directory, std::uint16_t tag) {
    auto& entries = entries_[directory];
    entries.erase(
        std::remove_if(entries.begin(), entries.end(), [tag](const Entry& e) { return e.tag == tag; }),
        entries.end());
  }

  // The JPEG with this EXIF as its first segment, behind the bytes of `before`.
  std::vector<std::uint8_t> InsertInto(const std::vector<std::uint8_t>& jpeg,
                                       const std::vector<std::uint8_t>& before = {}) const {
    const Bytes tiff = Tiff();
    Bytes result(jpeg.begin(), jpeg.begin() + 2);
    result.insert(result.end(), before.begin(), before.end());
    const std::size_t length = 2 + 6 + tiff.size();
    for (const int byte : {0xff, 0xe1, static_cast<int>(length >> 8), static_cast<int>(length & 0xff)}) {
      result.push_back(static_cast<std::uint8_t>(byte));
    }
    for (const char c : std::string("Exif\0\0", 6)) result.push_back(static_cast<std::uint8_t>(c));
    result.insert(result.end(), tiff.begin(), tiff.end());
    result.insert(result.end(), jpeg.begin() + 2, jpeg.end());
    return result;
  }

  // The PNG with this EXIF in a chunk behind its header, or before its end.
  std::vector<std::uint8_t> InsertIntoPng(const std::vector<std::uint8_t>& png, bool at_end = false) const {
    const Bytes tiff = Tiff();
    std::string chunk = "eXIf" + std::string(tiff.begin(), tiff.end());
    Bytes bytes;
    const auto put = [&bytes](std::uint32_t value) {
      for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    };
    put(static_cast<std::uint32_t>(tiff.size()));
    bytes.insert(bytes.end(), chunk.begin(), chunk.end());
    put(Crc32(chunk));
    Bytes result = png;
    result.insert(at_end ? result.end() - 12 : result.begin() + 33, bytes.begin(), bytes.end());
    return result;
  }

  // The plain WebP in the extended form, with this EXIF behind its picture.
  std::vector<std::uint8_t> InsertIntoWebp(const std::vector<std::uint8_t>& webp, int width,
                                           int height) const {
    const Bytes tiff = Tiff();
    Bytes body;
    const auto put = [&body](std::uint32_t value, int size) {
      for (int i = 0; i < size; ++i) body.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    };
    const auto text = [&body](const char* four) { body.insert(body.end(), four, four + 4); };
    text("WEBP");
    text("VP8X");
    put(10, 4);
    put(8, 4);  // with EXIF
    put(static_cast<std::uint32_t>(width - 1), 3);
    put(static_cast<std::uint32_t>(height - 1), 3);
    body.insert(body.end(), webp.begin() + 12, webp.end());
    text("EXIF");
    put(static_cast<std::uint32_t>(tiff.size()), 4);
    body.insert(body.end(), tiff.begin(), tiff.end());
    if (tiff.size() % 2 == 1) put(0, 1);
    const Bytes rest = body;
    body.clear();
    text("RIFF");
    put(static_cast<std::uint32_t>(rest.size()), 4);
    body.insert(body.end(), rest.begin(), rest.end());
    return body;
  }

  // An uncompressed 8-bit grey TIFF with these tags.
  std::vector<std::uint8_t> AsTiff(const std::vector<std::uint8_t>& pixels, std::uint32_t width,
                                   std::uint32_t height) const {
    const auto with_pixels_at = [&](std::uint32_t at) {
      ExifBuilder all = *this;
      all.Long(kIfd0, 256, width);
      all.Long(kIfd0, 257, height);
      all.Short(kIfd0, 258, 8);
      all.Short(kIfd0, 259, 1);
      all.Short(kIfd0, 262, 1);
      all.Long(kIfd0, 273, at);
      all.Short(kIfd0, 277, 1);
      all.Long(kIfd0, 278, height);
      all.Long(kIfd0, 279, width * height);
      std::sort(all.entries_[kIfd0].begin(), all.entries_[kIfd0].end(),
                [](const Entry& a, const Entry& b) { return a.tag < b.tag; });
      return all.Tiff();
    };
    Bytes file = with_pixels_at(static_cast<std::uint32_t>(with_pixels_at(0).size()));
    file.insert(file.end(), pixels.begin(), pixels.end());
    return file;
  }

 private:
  using Bytes = std::vector<std::uint8_t>;
  struct Entry {
    std::uint16_t tag, type;
    std::uint32_t count;
    Bytes value;
  };

  void Add(ExifDirectory directory, std::uint16_t tag, std::uint16_t type, std::uint32_t count,
           const Bytes& value) {
    entries_[directory].push_back({tag, type, count, value});
  }

  void Put(std::uint32_t value, int size, Bytes* out) const {
    for (int i = 0; i < size; ++i) {
      out->push_back(static_cast<std::uint8_t>(value >> (8 * (big_endian_ ? size - 1 - i : i))));
    }
  }

  // One directory at `offset`, its long values behind it.
  Bytes Directory(const std::vector<Entry>& entries, std::size_t offset) const {
    Bytes head, tail;
    Put(static_cast<std::uint32_t>(entries.size()), 2, &head);
    const std::size_t tail_offset = offset + 2 + 12 * entries.size() + 4;
    for (const Entry& entry : entries) {
      Put(entry.tag, 2, &head);
      Put(entry.type, 2, &head);
      Put(entry.count, 4, &head);
      if (entry.value.size() <= 4) {
        Bytes padded = entry.value;
        padded.resize(4);
        head.insert(head.end(), padded.begin(), padded.end());
      } else {
        Put(static_cast<std::uint32_t>(tail_offset + tail.size()), 4, &head);
        tail.insert(tail.end(), entry.value.begin(), entry.value.end());
      }
    }
    Put(0, 4, &head);
    head.insert(head.end(), tail.begin(), tail.end());
    return head;
  }

  Bytes Tiff() const {
    // The main directory's own size does not depend on where the others are, so lay out twice.
    std::vector<Entry> main = entries_[kIfd0];
    const auto with_pointers = [&](std::size_t exif_at, std::size_t gps_at) {
      std::vector<Entry> all = main;
      Bytes exif_offset, gps_offset;
      Put(static_cast<std::uint32_t>(exif_at), 4, &exif_offset);
      Put(static_cast<std::uint32_t>(gps_at), 4, &gps_offset);
      all.push_back({0x8769, 4, 1, exif_offset});
      all.push_back({0x8825, 4, 1, gps_offset});
      return Directory(all, 8);
    };
    const std::size_t exif_at = 8 + with_pointers(0, 0).size();
    const Bytes exif = Directory(entries_[kExifIfd], exif_at);
    const std::size_t gps_at = exif_at + exif.size();
    const Bytes gps = Directory(entries_[kGpsIfd], gps_at);
    const Bytes first = with_pointers(exif_at, gps_at);

    const std::uint8_t order = static_cast<std::uint8_t>(big_endian_ ? 'M' : 'I');
    Bytes tiff(2, order);
    Put(42, 2, &tiff);
    Put(8, 4, &tiff);
    for (const Bytes* part : {&first, &exif, &gps}) tiff.insert(tiff.end(), part->begin(), part->end());
    return tiff;
  }

  bool big_endian_;
  std::vector<Entry> entries_[3];
};

// Every field that plugin/photos/exif.h reads.
inline ExifBuilder FullExif(bool big_endian = false) {
  ExifBuilder exif(big_endian);
  exif.Ascii(kIfd0, 0x010f, "  Canon ");
  exif.Ascii(kIfd0, 0x0110, "EOS 5D");
  exif.Short(kIfd0, 0x0112, 6);
  exif.Rational(kExifIfd, 0x920a, {{543, 100}});
  exif.Short(kExifIfd, 0xa405, 28);
  exif.Rational(kExifIfd, 0xa20e, {{4368000, 1415}});
  exif.Short(kExifIfd, 0xa210, 2);
  exif.Long(kExifIfd, 0xa002, 4368);
  exif.Ascii(kGpsIfd, 1, "S");
  exif.Rational(kGpsIfd, 2, {{33, 1}, {51, 1}, {3540, 100}});
  exif.Ascii(kGpsIfd, 3, "E");
  exif.Rational(kGpsIfd, 4, {{151, 1}, {12, 1}, {36, 1}});
  exif.Byte(kGpsIfd, 5, 1);
  exif.Rational(kGpsIfd, 6, {{1234, 100}});
  return exif;
}

}  // namespace colmatch
