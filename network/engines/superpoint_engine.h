// The engines that compute SuperPoint at inference. The model (network/superpoint.h) does not depend on them.
#pragma once

#include <torch/types.h>

#include "network/precision.h"
#include "network/superpoint.h"

namespace colmatch {

// The precision in which SuperPoint computes if `precision` is requested: float32 for int8, which only
// SuperGlue supports, and float32 for bf16 on a CPU without bf16 instructions.
Precision SuperPointPrecision(Precision precision, torch::Device device);

// SuperPoint's forward pass without gradients, by the engine for the device and the precision.
// - fp32 and int8: the network itself, on its device at the time of the call.
// - Half precision: the 3 x 3 convolutions use a copy of the current weights, and the last maps are in
//   float32. On the CPU the weights are packed (packed_superpoint.h; bf16 only). On a GPU LibTorch computes
//   channels-last; an image on the CPU is still processed by the network in float32.
// The network must be without batch normalisation (FoldBatchNorm). Copies share the weights; copies on the
// CPU can run in parallel.
DenseNetwork MakeSuperPointEngine(SuperPoint network, Precision precision, torch::Device device);

}  // namespace colmatch
