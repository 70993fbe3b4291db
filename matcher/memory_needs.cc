// Memory of an item; see memory_needs.h.
#include "matcher/memory_needs.h"

namespace colmatch {

uint64_t MatchingMemory(int64_t keypoints0, int64_t keypoints1) {
  // Scores, couplings, the transport's kernel and plan and their temporaries, float32 for each pair of
  // keypoints.
  constexpr uint64_t kBytesPerPair = 28;
  return kBytesPerPair * static_cast<uint64_t>(keypoints0 + 1) * static_cast<uint64_t>(keypoints1 + 1);
}

uint64_t ExtractionMemory(int width, int height) {
  // The first layers: their 64 channels three times.
  constexpr uint64_t kBytesPerPixel = 3 * 64 * sizeof(float);
  return kBytesPerPixel * static_cast<uint64_t>(width) * static_cast<uint64_t>(height);
}

}  // namespace colmatch
