// A reader of hostile bytes, as libFuzzer (scripts/fuzz.sh) and the ordinary tests (corpus_test.cc) run it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "util/error.h"

namespace colmatch {

struct FuzzTarget {
  const char* name;
  // Reads the input; true if all of it was accepted. The errors of util/error.h are the reader's right;
  // any other exception, crash, hang or large allocation is a finding.
  bool (*run)(std::string_view input);
  // Good inputs, small and each of another kind: what a mutation starts from. All are accepted.
  std::vector<std::string> (*seeds)();
};

// Those linked into this program, in no order.
std::vector<FuzzTarget>& FuzzTargets();

struct RegisterFuzzTarget {
  explicit RegisterFuzzTarget(const FuzzTarget& target) { FuzzTargets().push_back(target); }
};

// True if `read` came through, false if it threw one of colmatch's errors. An error that says nothing is a
// finding.
inline bool Accepted(const std::function<void()>& read) {
  try {
    read();
    return true;
  } catch (const Error& error) {
    if (error.what()[0] == '\0') std::abort();
    return false;
  }
}

// The input as a regular file, for readers that take a path; one at a time.
class InputFile {
 public:
  explicit InputFile(std::string_view bytes);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;  // /proc/self/fd/N: nothing is left on any disk
};

// Takes an input apart: targets with several readers choose by a leading byte. After the end there are zeros.
class InputCursor {
 public:
  explicit InputCursor(std::string_view input) : rest_(input) {}
  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }
  // A signed number of 8 bytes, little-endian.
  int64_t Number() {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value |= uint64_t{Byte()} << (8 * i);
    return static_cast<int64_t>(value);
  }
  // A stretch whose length is its first two bytes.
  std::string_view Block() {
    size_t length = Byte();
    length |= static_cast<size_t>(Byte()) << 8;
    const std::string_view block = rest_.substr(0, length);
    rest_.remove_prefix(block.size());
    return block;
  }
  std::string_view Rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// The counterparts, for seeds.
inline std::string NumberBytes(int64_t value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}
inline std::string BlockBytes(const std::string& block) {
  return std::string{static_cast<char>(block.size() & 0xff), static_cast<char>(block.size() >> 8)} + block;
}

}  // namespace colmatch
