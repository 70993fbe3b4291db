// The ends of optimal transport on the CPU, beside its iterations (transport_iterations.h): from scores to
// the matrix that is scaled, and from the scaled matrix to the best entries, one pass each.
#pragma once

#include <cstdint>

namespace colmatch {

// kernel (n + 1, m + 1) = exp(couplings - their row's maximum), the couplings being scores (n, m) bordered by
// bin; row-major float32, rows `stride` entries apart, n and m positive. Exponentials to 2 units in the last
// place, 0 below exp(-87).
void CouplingKernel(const float* scores, int64_t n, int64_t m, float bin, float* kernel, int64_t stride);

// Of diag(a) kernel diag(b) without its last row and column: each row's largest entry and its column (n),
// each column's largest entry's row (m); of equal ones any.
void BestEntries(const float* kernel, int64_t stride, int64_t n, int64_t m, const float* a, const float* b,
                 float* row_largest, int32_t* row_best, int32_t* column_best);

// The same with vectors of `lanes` floats (4, 8 or 16), which the machine must have: for tests of each path.
void CouplingKernelWith(int lanes, const float* scores, int64_t n, int64_t m, float bin, float* kernel,
                        int64_t stride);
void BestEntriesWith(int lanes, const float* kernel, int64_t stride, int64_t n, int64_t m, const float* a,
                     const float* b, float* row_largest, int32_t* row_best, int32_t* column_best);

}  // namespace colmatch
