// What the machine can give at most: the rate of its matrix product.
#pragma once

#include <torch/types.h>

#include <functional>

#include "network/precision.h"

namespace colmatch {

// Operations per second (a multiplication and an addition are two) of the product of two square matrices,
// 1024 x 1024 on the CPU and 8192 x 8192 on a GPU, with the threads LibTorch has: the best of 20 repetitions,
// or of those of one second. By LibTorch, for int8 by Int8Linear. now: seconds since any moment; empty: of
// the wall clock.
double MeasureMatrixProductRate(const torch::Device& device, Precision precision,
                                const std::function<double()>& now = {});

}  // namespace colmatch
