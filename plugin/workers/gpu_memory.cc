// A GPU's memory; see gpu_memory.h.
#include "plugin/workers/gpu_memory.h"

#include <memory>
#include <mutex>

#include "plugin/runtime/log.h"
#include "plugin/runtime/memory.h"
#include "util/error.h"

namespace colmatch {

MemoryShortageHandler GpuShortageHandler() {
  return [said = std::make_shared<std::once_flag>()](const std::string& item, uint64_t bytes) {
    const auto available = AvailableMemory();
    if (available && bytes > *available) {
      throw EnvironmentError(item + " needs more memory than the GPU has, and about " + MemoryText(bytes) +
                             " on the CPU, where " + MemoryText(*available) +
                             " are left: extract fewer keypoints (--SuperPoint.max_num_features) of smaller "
                             "images (--SuperPoint.max_image_size), or use another machine");
    }
    std::call_once(*said, [&] {
      LogWarning("the GPU has too little memory for " + item +
                 ": it, and what else does not fit, is computed on the CPU");
    });
  };
}

}  // namespace colmatch
