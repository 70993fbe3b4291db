// Reading files whole; atomic_file.h writes.
#pragma once

#include <cstdint>
#include <string>

namespace colmatch {

// The whole of a regular file. Throws EnvironmentError naming the path and the cause.
std::string ReadWholeFile(const std::string& path);

// Weights files are read whole; the largest network that Validate() lets through by intent is far below.
inline constexpr uint64_t kMaxWeightsFileSize = uint64_t{4} << 30;  // bytes

// Throws WeightsError if path is not a readable regular file of at most kMaxWeightsFileSize.
std::string ReadWeightsFile(const std::string& path);

}  // namespace colmatch
