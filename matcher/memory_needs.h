// How much of the CPU's memory an item takes.
#pragma once

#include <cstdint>

namespace colmatch {

// About what a pair or an image takes, bytes.
uint64_t MatchingMemory(int64_t keypoints0, int64_t keypoints1);
uint64_t ExtractionMemory(int width, int height);

}  // namespace colmatch
