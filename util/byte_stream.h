// Little-endian values to bytes and back, for colmatch's own files; every length is checked against what is
// left.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "util/error.h"

namespace colmatch {

class ByteWriter {
 public:
  // magic: the first bytes.
  explicit ByteWriter(std::string magic = "") : bytes_(std::move(magic)) {}

  template <typename T>
  void Put(T value) {
    static_assert(std::is_trivially_copyable_v<T>, "numbers and arrays of them, without padding");
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  // Length: the integer before the text; a longer text is cut short by it.
  template <typename Length = uint32_t>
  void PutText(std::string_view text) {
    Put(static_cast<Length>(text.size()));
    bytes_.append(text);
  }
  // Numbers or arrays of numbers, without padding; their count is not written.
  template <typename T>
  void PutValues(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  // The same behind their count.
  template <typename T>
  void PutList(const std::vector<T>& values) {
    Put(static_cast<uint32_t>(values.size()));
    PutValues(values);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// What ends early or goes on is an InputError naming `where`, and `maker`, the command that makes the file,
// if it is given. `bytes` must outlive it.
class ByteReader {
 public:
  ByteReader(std::string_view bytes, std::string where, std::string maker = "")
      : bytes_(bytes), where_(std::move(where)), maker_(std::move(maker)) {}

  // The characters at the start; what: the file, for the error.
  void RequireMagic(const std::string& magic, const std::string& what) {
    if (bytes_.compare(0, magic.size(), magic) != 0)
      throw InputError(where_ + ": not " + what + " (magic " + magic + " expected); make one with " + maker_);
    offset_ = magic.size();
  }
  template <typename T>
  T Get() {
    T value;
    std::memcpy(&value, Take(sizeof(T)), sizeof(T));
    return value;
  }
  template <typename Length = uint32_t>
  std::string GetText() {
    const auto size = Get<Length>();
    return {Take(size), size};
  }
  template <typename T>
  std::vector<T> GetValues(size_t count) {
    if (count > Left() / sizeof(T)) Fail(count * sizeof(T));
    std::vector<T> values(count);
    const char* const data = Take(count * sizeof(T));
    if (count != 0) std::memcpy(values.data(), data, count * sizeof(T));
    return values;
  }
  template <typename T>
  std::vector<T> GetList() {
    return GetValues<T>(Get<uint32_t>());
  }
  // A number of entries of at least so many bytes each, which are there.
  uint32_t GetCount(size_t min_entry_bytes) {
    const auto count = Get<uint32_t>();
    if (count > Left() / min_entry_bytes) Fail(count * min_entry_bytes);
    return count;
  }
  void ExpectEnd() const {
    if (Left() == 0) return;
    throw InputError(where_ + ": damaged, or of another version: its last entry ends at offset " +
                     std::to_string(offset_) + ", the bytes at " + std::to_string(bytes_.size()) + Remedy());
  }

 private:
  size_t Left() const { return bytes_.size() - offset_; }
  const char* Take(size_t size) {
    if (size > Left()) Fail(size);
    const char* data = bytes_.data() + offset_;
    offset_ += size;
    return data;
  }
  [[noreturn]] void Fail(size_t expected) const {
    throw InputError(where_ + ": damaged: " + std::to_string(expected) + " bytes expected at offset " +
                     std::to_string(offset_) + ", the file ends" + Remedy());
  }
  std::string Remedy() const { return maker_.empty() ? "" : "; make it again with " + maker_; }

  std::string_view bytes_;
  std::string where_, maker_;
  size_t offset_ = 0;
};

}  // namespace colmatch
