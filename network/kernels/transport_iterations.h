// Sinkhorn's scaling iteration on the CPU, one pass over the matrix an iteration.
#pragma once

#include <cstdint>

namespace colmatch {

// Relative: so little moves the factors when the matches no longer change.
inline constexpr float kTransportConverged = 1e-5f;
// Factors up to e to this power are held: exp(2 * 20 - 87) is nothing beside the marginals.
inline constexpr double kMaxLogFactor = 20;

// Finds a (rows) and b (cols) so that diag(a) K diag(b) has the marginals mu and nu. K is row-major, its rows
// `stride` entries apart (whole cache lines are read twice as fast), and positive; b starts from 1. Stops
// after max_iterations, or when no entry of b changes by more than `tolerance` of itself. Returns the
// iterations done. The row update and the column sums it leads to share the read of K, which at a thousand
// keypoints does not fit into the cache.
int TransportIterations(const float* kernel, int64_t stride, int64_t rows, int64_t cols, const float* mu,
                        const float* nu, float* a, float* b, int max_iterations, float tolerance);

}  // namespace colmatch
