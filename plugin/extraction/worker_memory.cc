// Workers and memory; see worker_memory.h.
#include "plugin/extraction/worker_memory.h"

#include <algorithm>

#include "matcher/memory_needs.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/memory.h"

namespace colmatch {
namespace {

// Where no option bounds a photo: that of a common camera, 12 megapixels.
constexpr int kLongerSide = 4000;

// Of the network's first layers, at its largest scale.
uint64_t BytesOfPhoto(int longer_side, const FeatureExtractor& extractor) {
  const double scale = *std::max_element(extractor.scales().begin(), extractor.scales().end());
  const int width = static_cast<int>(scale * longer_side);
  const auto channels = extractor.weights().network->architecture().encoder_widths.front();
  constexpr uint64_t kWithWorkspace = 2;  // what the convolutions need beside their images
  return kWithWorkspace * ExtractionMemory(width, width * 3 / 4) * static_cast<uint64_t>(channels) / 64;
}

}  // namespace

int WorkersThatFit(int threads, uint64_t bytes_each, uint64_t available) {
  if (bytes_each == 0) return threads;
  const uint64_t usable = available / 10 * 9;
  return static_cast<int>(std::clamp<uint64_t>(usable / bytes_each, 1, static_cast<uint64_t>(threads)));
}

int WorkersForItems(const CommonOptions& common, uint64_t bytes_each, const std::string& what) {
  const int threads = NumWorkers(common);
  const auto available = AvailableMemory();
  if (!available) return threads;
  const int workers = WorkersThatFit(threads, bytes_each, *available);
  if (workers < threads) {
    LogInfo(std::to_string(workers) + " of " + std::to_string(threads) + " threads are used: " + what +
            " takes about " + MemoryText(bytes_each) + ", and " + MemoryText(*available) +
            " of memory are left");
  }
  return workers;
}

int WorkersForPhotos(const FeaturePipelineOptions& options, const FeatureExtractor& extractor,
                     const CommonOptions& common) {
  int longer_side = options.max_image_size > 0 ? options.max_image_size : kLongerSide;
  if (options.tile_size > 0) longer_side = std::min(longer_side, options.tile_size);
  return WorkersForItems(common, BytesOfPhoto(longer_side, extractor),
                         "a photo of " + std::to_string(longer_side) + " pixels");
}

}  // namespace colmatch
