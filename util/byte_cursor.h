// Flat little-endian files: appending numbers and texts, and reading them back with every length checked
// against what is left.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "util/error.h"

namespace colmatch {

template <typename T>
void AppendNumber(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

// At most 65,535 bytes.
inline void AppendText(std::string& bytes, const std::string& text) {
  AppendNumber(bytes, static_cast<uint16_t>(text.size()));
  bytes += text;
}

// Reads `bytes`, which must outlive it; InputErrors name `path` and end with "make it again with `maker`".
class ByteCursor {
 public:
  ByteCursor(std::string path, const std::string& bytes, std::string maker)
      : path_(std::move(path)), bytes_(bytes), maker_(std::move(maker)) {}

  // Eight characters at the start.
  void RequireMagic(const std::string& magic, const std::string& what) {
    if (bytes_.compare(0, magic.size(), magic) != 0)
      throw InputError(path_ + ": not " + what + " (magic " + magic + " expected); make one with " + maker_);
    offset_ = magic.size();
  }
  const char* Take(size_t count) {
    if (count > bytes_.size() - offset_) {
      throw InputError(path_ + ": damaged: " + std::to_string(count) + " bytes expected at offset " +
                       std::to_string(offset_) + ", the file ends; make it again with " + maker_);
    }
    const char* data = bytes_.data() + offset_;
    offset_ += count;
    return data;
  }
  template <typename T>
  T Read() {
    T value;
    std::memcpy(&value, Take(sizeof(T)), sizeof(T));
    return value;
  }
  std::string ReadText() {
    const auto length = Read<uint16_t>();
    return std::string(Take(length), length);
  }
  void RequireEnd() const {
    if (offset_ == bytes_.size()) return;
    throw InputError(path_ + ": damaged: its last entry ends at offset " + std::to_string(offset_) +
                     ", the file at " + std::to_string(bytes_.size()) + "; make it again with " + maker_);
  }

 private:
  const std::string path_;
  const std::string& bytes_;
  const std::string maker_;
  size_t offset_ = 0;
};

}  // namespace colmatch
