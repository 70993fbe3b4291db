// The forms of SuperPoint for inference. The model (network/superpoint.h) knows none of them.
#pragma once

#include <torch/types.h>

#include "network/precision.h"
#include "network/superpoint.h"

namespace colmatch {

// What SuperPoint computes in where `precision` is requested: float32 for int8, which only SuperGlue has, and
// for bf16 on a CPU without instructions for it.
Precision SuperPointPrecision(Precision precision, torch::Device device);

// SuperPoint's forward without gradients, by the form for the device and the precision. fp32 and int8: the
// network itself, on the device where it is when it is called. In half precision the convolutions with 3 x 3
// pixels, from the weights as they are now, the last maps in float32: on the CPU by packed weights
// (packed_superpoint.h; bf16 alone), on a GPU channels last by LibTorch, and an image that comes on the CPU
// all the same goes through the network in float32. Without batch normalisation only: FoldBatchNorm. Copies
// share the weights; those on the CPU may work side by side.
DenseNetwork MakeSuperPointEngine(SuperPoint network, Precision precision, torch::Device device);

}  // namespace colmatch
