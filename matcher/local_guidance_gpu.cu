// Kernels of guidance for GPUs; see local_guidance_gpu.h.
#include <cuda_runtime.h>

#include "matcher/local_fit_neighbors.h"
#include "matcher/local_guidance_gpu.h"

namespace colmatch {
namespace {

#include "matcher/local_guidance_gpu-inl.h"

}  // namespace

const char* GuideCouplingsOnGpu(const GpuGuidance& guidance, void* stream) {
  LaunchGuidance(guidance, [&](auto kernel, dim3 grid, auto... arguments) {
    kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(arguments...);
  });
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace colmatch
