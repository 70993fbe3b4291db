// GuideCouplings of many pairs in our own kernels, for GPUs, without LibTorch. local_guidance.h is what
// calls it. Kernels: local_guidance_gpu-inl.h, which tests also run on the CPU.
#pragma once

#include <cstdint>

#include "matcher/guidance/local_fit.h"

namespace colmatch {

// One side of B pairs, of at most `size` keypoints, in the device's memory; what is padded is not read.
struct GpuGuidanceSide {
  int64_t size = 0;
  const int32_t* counts = nullptr;     // (B) keypoints
  const float* keypoints = nullptr;    // (B, size, 2) pixels
  const int64_t* matches = nullptr;    // (B, size), as in PaddedMatches
  const float* confidences = nullptr;  // (B, size)
  const float* scales = nullptr;       // (B): the image's pixels per pixel of the options
  float* places = nullptr;             // scratch (3, B, size): where the other image has it, and how surely
};

struct GpuGuidance {
  int64_t pairs = 0;
  GpuGuidanceSide side0, side1;
  LocalFitOptions fit;  // pixels of the options
  GuidanceStrength strength;
  int32_t* num_matches = nullptr;  // scratch (B)
  const float* scores = nullptr;   // (B, size of side 0, of side 1)
  float* guided = nullptr;         // result, likewise; what is padded is the scores'
};

#if defined(COLMATCH_CUDA)
// Queued on a stream of the current device (cudaStream_t). Returns CUDA's error, or null.
const char* GuideCouplingsOnGpu(const GpuGuidance& guidance, void* stream);
#endif

}  // namespace colmatch
