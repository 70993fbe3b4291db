// What is said and refused where a GPU has too little memory.
#pragma once

#include "matcher/device_fallback.h"

namespace colmatch {

// Says with the first item that it and others are computed on the CPU. Throws EnvironmentError for an item
// that this machine's memory would not suffice for either. Its copies are one, which any thread may call.
MemoryShortageHandler GpuShortageHandler();

}  // namespace colmatch
