// Optimal transport of many pairs in our own kernels, for GPUs, without LibTorch: an iteration is one
// launch and one pass over the matrix, nothing is asked of the device before the matches. transport.h is
// what calls it. Kernels: transport_gpu-inl.h, which tests also run on the CPU.
#pragma once

#include <cstdint>

namespace colmatch {

// Everything lies in the device's memory, row-major. B pairs of at most N x M keypoints; pair p has
// counts0[p] x counts1[p], at least 1. What is padded is neither read nor, but for the results, written.
struct GpuTransport {
  const float* scores = nullptr;  // (B, N, M)
  const int32_t *counts0 = nullptr, *counts1 = nullptr;
  const float* bin_score = nullptr;  // one
  int64_t pairs = 0, rows = 0, columns = 0;
  int iterations = 1;  // at least
  float match_threshold = 0;

  // Scratch of so many floats and integers as ScratchFloats and ScratchInts say; the integers zeroed.
  float* floats = nullptr;
  int32_t* ints = nullptr;

  // Results, see PaddedMatches: (B, N), (B, M), and (B): whether factors left the range that float32 holds,
  // so that the pair's matches are not to be trusted; zeroed beforehand.
  int64_t *matches0 = nullptr, *matches1 = nullptr;
  float *scores0 = nullptr, *scores1 = nullptr;
  int32_t* left_range = nullptr;
};

// Pairs of more keypoints in an image are not for these kernels.
inline constexpr int64_t kMostGpuTransportColumns = 8447;

#if defined(COLMATCH_CUDA)
int64_t ScratchFloats(const GpuTransport& transport);
int64_t ScratchInts(const GpuTransport& transport);
// Queued on a stream of the current device (cudaStream_t). Returns CUDA's error, or null.
const char* MatchByTransportOnGpu(const GpuTransport& transport, void* stream);
#endif

}  // namespace colmatch
