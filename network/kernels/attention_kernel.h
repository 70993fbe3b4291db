// One head's attention on the CPU, fused: its N x M weights are never in memory.
#pragma once

#include <cstdint>

namespace colmatch {

// message = softmax(scale * query . key^T) . value for query (n, d), key and value (m, d), message (n, d),
// all row-major float32; m > 0. Works on a few queries at a time, whose weights stay in the first cache, with
// the machine's widest vectors, chosen at run time. Exponentials to 2 units in the last place, 0 below
// exp(-87).
void AttendHead(const float* query, int64_t n, const float* key, const float* value, int64_t m, int64_t d,
                float scale, float* message);

// The same with vectors of `lanes` floats (4, 8 or 16), which the machine must have: for tests of each path.
void AttendHeadWith(int lanes, const float* query, int64_t n, const float* key, const float* value, int64_t m,
                    int64_t d, float scale, float* message);

}  // namespace colmatch
