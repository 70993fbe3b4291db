// Arrays as NumPy's .npz (an uncompressed zip of .npy files), for metrics that people plot in Python.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace colmatch {

// One-dimensional float64 arrays by name; atomic. Throws EnvironmentError.
void WriteNpz(const std::string& path, const std::map<std::string, std::vector<double>>& arrays);

}  // namespace colmatch
