// The softmax of attention on the CPU: what is left to do after its matrix products.
#pragma once

#include <cstdint>

namespace colmatch {

// x[j] becomes exp(x[j] - max x), to 2 units in the last place (0 below exp(-87)); returns their sum. count >
// 0. Chooses the machine's vector instructions at run time.
float ExponentiateRow(float* x, int64_t count);

}  // namespace colmatch
