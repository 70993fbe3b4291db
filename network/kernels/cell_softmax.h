// From a detector's logits to its dense scores on the CPU.
#pragma once

#include <cstdint>

namespace colmatch {

// cells: (height, width, 65) logits, the last of each cell for "no keypoint". scores: (8 height, 8 width),
// the softmax over a cell without its last value, on the cell's pixels. Cells in rows [first, last).
// Thread-safe.
void CellSoftmax(const float* cells, int64_t width, int64_t first, int64_t last, float* scores);

}  // namespace colmatch
