// Measures the rate of the matrix product, the upper bound of a machine's arithmetic.
#pragma once

#include <torch/types.h>

#include <functional>

#include "network/precision.h"

namespace colmatch {

// Operations per second of the product of two square matrices, where a multiplication and an addition count
// as two: 1024 x 1024 on the CPU, 8192 x 8192 on a GPU, with LibTorch's current number of threads. The best
// of 20 repetitions, or of as many as run in one second. Uses LibTorch's product, and Int8Linear for int8.
// now: returns a time in seconds; empty: the wall clock.
double MeasureMatrixProductRate(const torch::Device& device, Precision precision,
                                const std::function<double()>& now = {});

}  // namespace colmatch
