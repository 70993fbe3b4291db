// Photos for `colmatch benchmark`, where the build can read them.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace colmatch {

struct BenchmarkPhoto {
  std::vector<float> pixels;  // height x width, in [0, 1], row-major
  int width = 0, height = 0;
};

// The first `count` photos of a folder, by name, their longer side at most max_size pixels. Throws UsageError
// or InputError.
std::vector<BenchmarkPhoto> ReadBenchmarkPhotos(const std::string& folder, int max_size, int count);

using BenchmarkPhotoReader = std::function<std::vector<BenchmarkPhoto>(const std::string&, int, int)>;

}  // namespace colmatch
