// CRC-32 as zip, PNG and our own files use it (reversed polynomial 0xEDB88320): finds damage, not forgery.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace colmatch {

inline uint32_t Crc32(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> result{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t x = i;
      for (int bit = 0; bit < 8; ++bit) x = (x & 1) != 0 ? 0xEDB88320u ^ (x >> 1) : x >> 1;
      result[i] = x;
    }
    return result;
  }();
  uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

}  // namespace colmatch
