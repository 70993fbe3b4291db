// Cores of this process; see available_cores.h.
#include "plugin/runtime/available_cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace colmatch {
namespace {

namespace fs = std::filesystem;

int CoresOfAffinity() {
#ifdef __linux__
  // The kernel refuses a mask that is shorter than its own, so longer ones are tried.
  for (size_t cores = 1024; cores <= (size_t{1} << 16); cores *= 2) {
    std::vector<cpu_set_t> mask(cores / CPU_SETSIZE);
    const size_t bytes = mask.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, mask.data()) == 0) return CPU_COUNT_S(bytes, mask.data());
  }
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

std::optional<std::string> FirstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

// Version 1 keeps quota and period in two files; a quota of -1 is none.
std::optional<double> QuotaOfVersion1(const fs::path& folder) {
  const auto quota = FirstLine(folder / "cpu.cfs_quota_us"), period = FirstLine(folder / "cpu.cfs_period_us");
  if (!quota || !period || *quota == "-1") return std::nullopt;
  return CpuQuotaOf(*quota + " " + *period);
}

// The least quota of a control group and of the groups that hold it.
template <typename Quota>
std::optional<double> LeastQuota(const fs::path& root, const std::string& group, const Quota& quota_of) {
  std::optional<double> least;
  for (fs::path path = fs::path(group).relative_path();; path = path.parent_path()) {
    if (const auto quota = quota_of(root / path)) least = std::min(least.value_or(*quota), *quota);
    if (path.empty()) return least;
  }
}

// /proc/self/cgroup has a line NUMBER:CONTROLLERS:GROUP for each hierarchy; version 2 names no controllers.
std::optional<double> QuotaOfControlGroup() {
  std::ifstream file("/proc/self/cgroup");
  std::optional<double> least;
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    std::optional<double> quota;
    if (controllers == ",,") {
      quota = LeastQuota("/sys/fs/cgroup", group, [](const fs::path& folder) -> std::optional<double> {
        const auto text = FirstLine(folder / "cpu.max");
        return text ? CpuQuotaOf(*text) : std::nullopt;
      });
    } else if (controllers.find(",cpu,") != std::string::npos) {
      quota = LeastQuota("/sys/fs/cgroup/cpu", group, QuotaOfVersion1);
    }
    if (quota) least = std::min(least.value_or(*quota), *quota);
  }
  return least;
}

}  // namespace

std::optional<double> CpuQuotaOf(const std::string& cpu_max) {
  std::istringstream text(cpu_max);
  double quota = 0, period = 0;
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

int AvailableCores() {
  int cores = CoresOfAffinity();
  if (const auto quota = QuotaOfControlGroup())
    cores = static_cast<int>(std::min<double>(cores, std::ceil(*quota)));
  return std::max(1, cores);
}

}  // namespace colmatch
