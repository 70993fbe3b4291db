// Memory that is left; see memory.h.
#include "plugin/runtime/memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

namespace colmatch {
namespace {

// The first number of a file, or nothing: no such file, or a word such as "max".
std::optional<uint64_t> NumberIn(const char* path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

std::optional<uint64_t> OfTheMachine() {
  std::ifstream file("/proc/meminfo");
  for (std::string key, rest; file >> key; std::getline(file, rest)) {
    uint64_t kilobytes = 0;
    if (key == "MemAvailable:" && file >> kilobytes) return kilobytes * 1024;
  }
  return std::nullopt;
}

std::optional<uint64_t> Difference(std::optional<uint64_t> limit, std::optional<uint64_t> used) {
  if (!limit || !used) return std::nullopt;
  return *limit > *used ? *limit - *used : 0;
}

std::optional<uint64_t> OfTheControlGroup() {
  return Difference(NumberIn("/sys/fs/cgroup/memory.max"), NumberIn("/sys/fs/cgroup/memory.current"));
}

std::optional<uint64_t> OfTheProcess() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  auto pages = NumberIn("/proc/self/statm");
  if (pages) *pages *= static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return Difference(limit.rlim_cur, pages);
}

}  // namespace

std::optional<uint64_t> AvailableMemory() {
  std::optional<uint64_t> least;
  for (const auto& bytes : {OfTheMachine(), OfTheControlGroup(), OfTheProcess()}) {
    if (bytes) least = std::min(least.value_or(*bytes), *bytes);
  }
  return least;
}

std::string MemoryText(uint64_t bytes) {
  char text[32];
  const bool large = bytes >= 1'000'000'000;
  std::snprintf(text, sizeof(text), large ? "%.1f GB" : "%.0f MB",
                static_cast<double>(bytes) / (large ? 1e9 : 1e6));
  return text;
}

}  // namespace colmatch
