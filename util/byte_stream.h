// Little-endian values to bytes and back, for the records of colmatch's files; every length is checked.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "util/error.h"

namespace colmatch {

class ByteWriter {
 public:
  template <typename T>
  void Put(T value) {
    static_assert(std::is_trivially_copyable_v<T>, "numbers and arrays of them, without padding");
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  void PutText(std::string_view text) {
    Put(static_cast<uint32_t>(text.size()));
    bytes_.append(text);
  }
  // Numbers or arrays of numbers, without padding.
  template <typename T>
  void PutList(const std::vector<T>& values) {
    Put(static_cast<uint32_t>(values.size()));
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// What ends early or goes on is an InputError naming `where`. `bytes` must outlive it.
class ByteReader {
 public:
  ByteReader(std::string_view bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {}

  template <typename T>
  T Get() {
    T value;
    std::memcpy(&value, Take(sizeof(T)), sizeof(T));
    return value;
  }
  std::string GetText() {
    const auto size = Get<uint32_t>();
    return {Take(size), size};
  }
  template <typename T>
  std::vector<T> GetList() {
    const auto count = GetCount(sizeof(T));
    std::vector<T> values(count);
    if (count != 0) std::memcpy(values.data(), Take(count * sizeof(T)), count * sizeof(T));
    return values;
  }
  // A number of entries of at least so many bytes each, which are there.
  uint32_t GetCount(size_t min_entry_bytes) {
    const auto count = Get<uint32_t>();
    if (count > bytes_.size() / min_entry_bytes) Fail();
    return count;
  }
  void ExpectEnd() const {
    if (!bytes_.empty()) throw InputError(where_ + ": holds more than it says; made by another version?");
  }

 private:
  const char* Take(size_t size) {
    if (size > bytes_.size()) Fail();
    const char* data = bytes_.data();
    bytes_.remove_prefix(size);
    return data;
  }
  [[noreturn]] void Fail() const { throw InputError(where_ + ": holds less than it says; damaged"); }

  std::string_view bytes_;
  std::string where_;
};

}  // namespace colmatch
