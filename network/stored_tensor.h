// Tensors of weights files as LibTorch's.
#pragma once

#include <torch/types.h>

#include <string>

#include "network/formats/safetensors.h"

namespace colmatch {

// A copy with the same shape and dtype, on the CPU. Throws WeightsError starting with `where` for a dtype
// that no network has.
torch::Tensor TensorOf(const StoredTensor& stored, const std::string& where);

}  // namespace colmatch
