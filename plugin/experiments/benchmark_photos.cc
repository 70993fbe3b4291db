// Photos for the benchmark; see benchmark_photos.h.
#include "plugin/experiments/benchmark_photos.h"

#include <filesystem>

#include "plugin/photos/image_reader.h"
#include "plugin/photos/image_resize.h"

namespace colmatch {

std::vector<BenchmarkPhoto> ReadBenchmarkPhotos(const std::string& folder, int max_size, int count) {
  std::vector<BenchmarkPhoto> photos;
  for (const std::string& name : ListImages(folder)) {
    if (static_cast<int>(photos.size()) == count) break;
    const cv::Mat pixels =
        ResizeForNetwork(ReadGrayImage(std::filesystem::path(folder) / name).gray, max_size).pixels;
    photos.push_back({{pixels.begin<float>(), pixels.end<float>()}, pixels.cols, pixels.rows});
  }
  return photos;
}

}  // namespace colmatch
