// Writes EXIF blocks for tests: three directories (main, EXIF, GPS) of tags, in either byte order.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

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

  // The JPEG with this EXIF as its first segment.
  std::vector<std::uint8_t> InsertInto(const std::vector<std::uint8_t>& jpeg) const {
    const Bytes tiff = Tiff();
    Bytes result(jpeg.begin(), jpeg.begin() + 2);
    const std::size_t length = 2 + 6 + tiff.size();
    for (const int byte : {0xff, 0xe1, static_cast<int>(length >> 8), static_cast<int>(length & 0xff)}) {
      result.push_back(static_cast<std::uint8_t>(byte));
    }
    for (const char c : std::string("Exif\0\0", 6)) result.push_back(static_cast<std::uint8_t>(c));
    result.insert(result.end(), tiff.begin(), tiff.end());
    result.insert(result.end(), jpeg.begin() + 2, jpeg.end());
    return result;
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

// Every field that plugin/exif.h reads.
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
