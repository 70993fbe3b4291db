// Uncompressed zip archives; see zip_reader.h.
#include "network/formats/zip_reader.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "util/crc32.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50, kDirectoryEntry = 0x02014b50, kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50, kEnd64Locator = 0x07064b50;
constexpr uint64_t kEndSize = 22, kEnd64Size = 56, kLocatorSize = 20, kLocalSize = 30,
                   kEntrySize = 46;     // bytes
constexpr uint64_t kIn64 = 0xffffffff;  // "see the zip64 field"
constexpr uint64_t kMaxEntries = 100'000;

struct Directory {
  uint64_t offset = 0, size = 0, num_entries = 0;
};

struct Entry {
  std::string name;
  uint64_t size = 0, offset = 0;  // of the data; of the local header
  uint32_t crc = 0;
};

class ZipReader {
 public:
  ZipReader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::map<std::string, std::string_view> Read() {
    const Directory directory = FindDirectory();
    if (directory.num_entries > kMaxEntries) Fail("has more than 100000 entries");
    const std::string_view area = Slice(directory.offset, directory.size);
    std::map<std::string, std::string_view> result;
    std::vector<std::pair<uint64_t, uint64_t>> ranges = {
        {directory.offset, directory.offset + directory.size}};
    uint64_t position = directory.offset;
    for (uint64_t i = 0; i < directory.num_entries; ++i) {
      const Entry entry = ReadEntry(position);
      const std::string_view data = ReadLocal(entry);
      if (Crc32(data) != entry.crc) Fail("entry '" + entry.name + "' is damaged: its checksum differs");
      if (!result.emplace(entry.name, data).second) Fail("entry '" + entry.name + "' occurs twice");
      const auto end = static_cast<uint64_t>(data.data() - bytes_.data()) + data.size();
      ranges.emplace_back(entry.offset, end);
    }
    if (position != directory.offset + area.size()) Fail("its directory is damaged");
    std::sort(ranges.begin(), ranges.end());
    for (size_t i = 1; i < ranges.size(); ++i) {
      if (ranges[i].first < ranges[i - 1].second) Fail("entries overlap");
    }
    return result;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    throw WeightsError(name_ + ": zip archive: " + what);
  }

  std::string_view Slice(uint64_t offset, uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) Fail("is truncated or damaged");
    return bytes_.substr(offset, size);
  }

  uint64_t Number(uint64_t offset, size_t num_bytes) const {
    uint64_t value = 0;
    const std::string_view text = Slice(offset, num_bytes);
    for (size_t i = num_bytes; i > 0; --i) value = value << 8 | static_cast<unsigned char>(text[i - 1]);
    return value;
  }

  // PyTorch writes no comment, so the end record is the last thing in the file.
  Directory FindDirectory() const {
    if (bytes_.size() < kEndSize || Number(bytes_.size() - kEndSize, 4) != kEnd) {
      Fail("is truncated: its end record is missing");
    }
    const uint64_t end = bytes_.size() - kEndSize;
    if (Number(end + 4, 2) != 0 || Number(end + 6, 2) != 0) Fail("has several volumes");
    if (end >= kLocatorSize && Number(end - kLocatorSize, 4) == kEnd64Locator) {
      const uint64_t end64 = Number(end - kLocatorSize + 8, 8);
      if (Slice(end64, kEnd64Size).size() != kEnd64Size || Number(end64, 4) != kEnd64)
        Fail("its zip64 end is damaged");
      return {Number(end64 + 48, 8), Number(end64 + 40, 8), Number(end64 + 32, 8)};
    }
    return {Number(end + 16, 4), Number(end + 12, 4), Number(end + 10, 2)};
  }

  Entry ReadEntry(uint64_t& position) const {
    if (Number(position, 4) != kDirectoryEntry) Fail("its directory is damaged");
    const uint64_t flags = Number(position + 8, 2), method = Number(position + 10, 2);
    const uint64_t name_size = Number(position + 28, 2), extra_size = Number(position + 30, 2);
    const uint64_t comment_size = Number(position + 32, 2);
    Entry entry;
    entry.name = std::string(Slice(position + kEntrySize, name_size));
    if ((flags & 1) != 0) Fail("entry '" + entry.name + "' is encrypted");
    if (method != 0) {
      Fail("entry '" + entry.name +
           "' is compressed; torch.save writes uncompressed archives: unpack and save it again");
    }
    entry.crc = static_cast<uint32_t>(Number(position + 16, 4));
    uint64_t packed = Number(position + 20, 4);
    entry.size = Number(position + 24, 4);
    entry.offset = Number(position + 42, 4);
    ReadZip64(position + kEntrySize + name_size, extra_size, entry.size, packed, entry.offset);
    if (packed != entry.size) Fail("entry '" + entry.name + "' has two sizes");
    position += kEntrySize + name_size + extra_size + comment_size;
    return entry;
  }

  // The extra field 1 holds, in this order, those of the values that did not fit into 32 bits.
  void ReadZip64(uint64_t position, uint64_t size, uint64_t& unpacked, uint64_t& packed,
                 uint64_t& offset) const {
    const uint64_t end = position + Slice(position, size).size();
    while (end - position >= 4) {
      const uint64_t id = Number(position, 2), field_end = position + 4 + Number(position + 2, 2);
      if (field_end > end) Fail("an extra field is damaged");
      uint64_t at = position + 4;
      if (id == 1) {
        for (uint64_t* value : {&unpacked, &packed, &offset}) {
          if (*value != kIn64) continue;
          if (at + 8 > field_end) Fail("a zip64 field is too short");
          *value = Number(at, 8);
          at += 8;
        }
      }
      position = field_end;
    }
  }

  std::string_view ReadLocal(const Entry& entry) const {
    Slice(entry.offset, kLocalSize);
    if (Number(entry.offset, 4) != kLocalHeader) Fail("entry '" + entry.name + "' has no local header");
    const uint64_t name_size = Number(entry.offset + 26, 2), extra_size = Number(entry.offset + 28, 2);
    if (Slice(entry.offset + kLocalSize, name_size) != entry.name)
      Fail("entry '" + entry.name + "' has two names");
    return Slice(entry.offset + kLocalSize + name_size + extra_size, entry.size);
  }

  std::string_view bytes_;
  std::string name_;
};

}  // namespace

std::map<std::string, std::string_view> ReadStoredZip(std::string_view bytes, const std::string& name) {
  return ZipReader(bytes, name).Read();
}

}  // namespace colmatch
