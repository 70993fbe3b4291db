// A GPU's faults; see device_fallback.h.
#include "matcher/device_fallback.h"

#include <c10/util/Exception.h>

#include "util/error.h"

namespace colmatch {
namespace {

bool ContainsAny(const std::string& text, std::initializer_list<const char*> words) {
  for (const char* word : words) {
    if (text.find(word) != std::string::npos) return true;
  }
  return false;
}

std::string FirstLine(const std::string& message) { return message.substr(0, message.find('\n')); }

}  // namespace

GpuFault GpuFaultOf(const std::string& message) {
  const std::string line = FirstLine(message);
  if (!ContainsAny(line, {"CUDA", "CUBLAS", "CUDNN"})) return GpuFault::kNone;
  return ContainsAny(line, {"out of memory", "ALLOC_FAILED"}) ? GpuFault::kOutOfMemory : GpuFault::kLost;
}

bool DeviceFallback::Try(const Work& work) {
  try {
    if (moved_away_) {
      move_(device_);
      moved_away_ = false;
    }
    work(device_);
    return true;
  } catch (const c10::Error& error) {
    const std::string line = FirstLine(error.what_without_backtrace());
    switch (GpuFaultOf(line)) {
      case GpuFault::kOutOfMemory:
        return false;
      case GpuFault::kLost:
        throw EnvironmentError(
            "the GPU (" + device_.str() + ") failed: " + line +
            "; what was committed is kept: run the same command again, or with --device cpu");
      case GpuFault::kNone:
        break;
    }
    throw;
  }
}

void DeviceFallback::RunOnCpu(const Work& work, const std::string& item, uint64_t bytes) {
  if (on_shortage_) on_shortage_(item, bytes);
  moved_away_ = true;  // first: a move that fails half way leaves the network on two devices
  move_(torch::kCPU);
  work(torch::kCPU);
}

void DeviceFallback::Run(const Work& work, const std::string& item, uint64_t bytes) {
  if (!Try(work)) RunOnCpu(work, item, bytes);
}

}  // namespace colmatch
