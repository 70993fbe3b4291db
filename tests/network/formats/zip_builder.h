// Makes small zip archives for tests, right ones and wrong ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace colmatch {

inline uint32_t Crc32Of(const std::string& bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

struct ZipEntry {
  ZipEntry(const std::string& entry_name, const std::string& content)
      : name(entry_name), local_name(entry_name), data(content), crc(Crc32Of(content)) {}
  std::string name, local_name, data;
  uint32_t crc;
  int method = 0, flags = 0;
};

// zip64: all sizes and offsets in extra fields and zip64 end records, as PyTorch writes large archives.
inline std::string BuildZip(const std::vector<ZipEntry>& entries, bool zip64 = false) {
  const auto number = [](uint64_t value, int count) {
    std::string bytes;
    for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
    return bytes;
  };
  std::string file, directory;
  for (const ZipEntry& entry : entries) {
    const uint64_t offset = file.size(), size = entry.data.size();
    const std::string start = number(20, 2) + number(entry.flags, 2) + number(entry.method, 2) +
                              number(0, 4) + number(entry.crc, 4) + number(zip64 ? 0xffffffff : size, 4) +
                              number(zip64 ? 0xffffffff : size, 4);
    const std::string extra =
        zip64 ? number(1, 2) + number(24, 2) + number(size, 8) + number(size, 8) + number(offset, 8) : "";
    file += number(0x04034b50, 4) + start + number(entry.local_name.size(), 2) + number(0, 2) +
            entry.local_name + entry.data;
    directory += number(0x02014b50, 4) + number(20, 2) + start + number(entry.name.size(), 2) +
                 number(extra.size(), 2) + std::string(10, '\0') + number(zip64 ? 0xffffffff : offset, 4) +
                 entry.name + extra;
  }
  const uint64_t offset = file.size(), count = entries.size();
  file += directory;
  if (zip64) {
    const uint64_t end64 = file.size();
    file += number(0x06064b50, 4) + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) +
            number(count, 8) + number(count, 8) + number(directory.size(), 8) + number(offset, 8);
    file += number(0x07064b50, 4) + number(0, 4) + number(end64, 8) + number(1, 4);
  }
  return file + number(0x06054b50, 4) + number(0, 4) + number(zip64 ? 0xffff : count, 2) +
         number(zip64 ? 0xffff : count, 2) + number(zip64 ? 0xffffffff : directory.size(), 4) +
         number(zip64 ? 0xffffffff : offset, 4) + number(0, 2);
}

}  // namespace colmatch
