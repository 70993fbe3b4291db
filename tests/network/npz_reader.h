// NumPy's .npz for tests: a zip of .npy files (format 1, C order), stored or deflated.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>

namespace colmatch {

// Tensors by name (without ".npy"): float32, float64, int64 and uint8. Throws std::runtime_error.
std::map<std::string, torch::Tensor> ReadNpz(const std::string& path);

}  // namespace colmatch
