// A GPU's memory; see gpu_memory.h.
#include "plugin/gpu_memory.h"

#include "network/error.h"
#include "plugin/log.h"
#include "plugin/memory.h"

namespace colmatch {

MemoryShortageHandler GpuShortageHandler() {
  return [said = false](const std::string& item, uint64_t bytes) mutable {
    const auto available = AvailableMemory();
    if (available && bytes > *available) {
      throw EnvironmentError(item + " needs more memory than the GPU has, and about " + MemoryText(bytes) +
                             " on the CPU, where " + MemoryText(*available) +
                             " are left: extract fewer keypoints (--SuperPoint.max_num_features) of smaller "
                             "images (--SuperPoint.max_image_size), or use another machine");
    }
    if (!said)
      LogWarning("the GPU has too little memory for " + item +
                 ": it, and what else does not fit, is computed on the CPU");
    said = true;
  };
}

}  // namespace colmatch
