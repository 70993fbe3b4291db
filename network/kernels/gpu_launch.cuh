// Launches of kernels from plain C++; for .cu files.
#pragma once

#include <cuda_runtime.h>

#include "network/kernels/simd_target.h"

namespace colmatch {

// queue(launch) calls launch(kernel, grid, arguments...) for each kernel in turn, queued on a stream
// (cudaStream_t) of the current device with so many threads a block. Returns CUDA's error, or null.
template <typename Queue>
const char* LaunchOn(void* stream, int threads, const Queue& queue) {
  queue([&](auto kernel, dim3 grid, auto... arguments) {
    kernel<<<grid, threads, 0, static_cast<cudaStream_t>(stream)>>>(arguments...);
  });
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace colmatch
