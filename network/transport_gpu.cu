// Kernels of optimal transport for GPUs; see transport_gpu.h.
#include <cuda_runtime.h>

#include "network/scaling_kernel.h"
#include "network/transport_gpu.h"

#define COLMATCH_UNROLL _Pragma("unroll")

namespace colmatch {
namespace {

#include "network/transport_gpu-inl.h"

}  // namespace

int64_t ScratchFloats(const GpuTransport& transport) { return TransportScratch::Floats(transport); }
int64_t ScratchInts(const GpuTransport& transport) { return TransportScratch::Ints(transport); }

const char* MatchByTransportOnGpu(const GpuTransport& transport, void* stream) {
  LaunchTransport(transport, [&](auto kernel, dim3 grid, auto... arguments) {
    kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(arguments...);
  });
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace colmatch
