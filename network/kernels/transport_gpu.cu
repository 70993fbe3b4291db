// Kernels of optimal transport for GPUs; see transport_gpu.h.
#include "network/kernels/gpu_launch.cuh"
#include "network/kernels/transport_gpu.h"
#include "network/kernels/transport_iterations.h"

namespace colmatch {
namespace {

#include "network/kernels/transport_gpu-inl.h"

}  // namespace

int64_t ScratchFloats(const GpuTransport& transport) { return TransportScratch::Floats(transport); }
int64_t ScratchInts(const GpuTransport& transport) { return TransportScratch::Ints(transport); }

const char* MatchByTransportOnGpu(const GpuTransport& transport, void* stream) {
  return LaunchOn(stream, kThreads, [&](const auto& launch) { LaunchTransport(transport, launch); });
}

}  // namespace colmatch
