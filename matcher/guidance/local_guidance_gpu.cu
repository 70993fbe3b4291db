// Kernels of guidance for GPUs; see local_guidance_gpu.h.
#include "matcher/guidance/local_fit_neighbors.h"
#include "matcher/guidance/local_guidance_gpu.h"
#include "network/kernels/gpu_launch.cuh"

namespace colmatch {
namespace {

#include "matcher/guidance/local_guidance_gpu-inl.h"

}  // namespace

const char* GuideCouplingsOnGpu(const GpuGuidance& guidance, void* stream) {
  return LaunchOn(stream, kThreads, [&](const auto& launch) { LaunchGuidance(guidance, launch); });
}

}  // namespace colmatch
