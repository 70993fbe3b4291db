// One photo; see photo_extractor.h.
#include "plugin/extraction/photo_extractor.h"

#include <torch/torch.h>

#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <utility>

#include "matcher/devices.h"
#include "matcher/tiled_extraction.h"
#include "plugin/extraction/photo_provenance.h"
#include "plugin/extraction/worker_memory.h"
#include "plugin/photos/image_reader.h"
#include "plugin/runtime/trace.h"
#include "plugin/runtime/weights_location.h"
#include "plugin/workers/gpu_memory.h"
#include "util/error.h"
#include "util/image_names.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// Network's pixels to those of the photo as stored.
torch::Tensor ToStored(const Photo& photo, const torch::Tensor& xy) {
  const bool sideways = photo.quarter_turns % 2 == 1;
  const int turned_width = sideways ? photo.height : photo.width;
  const int turned_height = sideways ? photo.width : photo.height;
  return TurnPoints(MapKeypoints(xy, photo.resized, MapToOriginal), turned_width, turned_height,
                    4 - photo.quarter_turns);
}

KeypointFilter FilterOf(const Photo& photo) {
  if (photo.mask.empty()) return {};
  return [&photo](const torch::Tensor& xy) {
    const auto stored = ToStored(photo, xy).contiguous();
    const float* p = stored.data_ptr<float>();
    auto keeps = torch::zeros({stored.size(0)}, torch::kBool);
    for (int64_t i = 0; i < stored.size(0); ++i)
      keeps.data_ptr<bool>()[i] = photo.mask.Keeps(p[2 * i], p[2 * i + 1]);
    return keeps;
  };
}

}  // namespace

torch::Tensor MapKeypoints(const torch::Tensor& keypoints, const ResizedImage& resized,
                           cv::Point2f (*map)(const ResizedImage&, const cv::Point2f&)) {
  auto mapped = keypoints.clone(at::MemoryFormat::Contiguous);
  float* xy = mapped.data_ptr<float>();
  for (int64_t i = 0; i < mapped.size(0); ++i) {
    const cv::Point2f p = map(resized, {xy[2 * i], xy[2 * i + 1]});
    xy[2 * i] = p.x;
    xy[2 * i + 1] = p.y;
  }
  return mapped;
}

cv::Mat TurnImage(const cv::Mat& image, int quarter_turns) {
  if (quarter_turns == 0) return image;
  cv::Mat turned;
  cv::rotate(image, turned,
             quarter_turns == 1   ? cv::ROTATE_90_CLOCKWISE
             : quarter_turns == 2 ? cv::ROTATE_180
                                  : cv::ROTATE_90_COUNTERCLOCKWISE);
  return turned;
}

Features AsTurned(const Features& features, int quarter_turns) {
  if (quarter_turns == 0) return features;
  Features turned = features;
  turned.keypoints = TurnPoints(features.keypoints, features.width, features.height, quarter_turns);
  if (quarter_turns % 2 == 1) std::swap(turned.width, turned.height);
  return turned;
}

PhotoExtractor::PhotoExtractor(const FeaturePipelineOptions& options, const CommonOptions& common,
                               torch::Device device)
    : options_(options),
      masks_(options.mask_path, options.camera_mask_path),
      network_(LoadSuperPoint(ResolveWeights(common.weights).superpoint), options.keypoints, device,
               PrecisionFromName(common.precision, device)) {
  ValidateTileSize(options_.tile_size, options_.keypoints);
  network_.OnMemoryShortage(GpuShortageHandler());
}

ExtractorPool MakeExtractors(const FeaturePipelineOptions& options, const CommonOptions& common) {
  const auto devices = DevicesFromName(common.device);
  if (devices.front().is_cpu()) {
    const PhotoExtractor first(options, common, devices.front());  // the others share its weights
    return ExtractorPool(WorkersOn(devices, WorkersForPhotos(options, first.network(), common)),
                         [&](torch::Device) { return std::make_unique<PhotoExtractor>(first); });
  }
  const auto on_shortage = GpuShortageHandler();  // one, which speaks once for all
  return ExtractorPool(WorkersOn(devices, 1), [&](torch::Device device) {
    auto extractor = std::make_unique<PhotoExtractor>(options, common, device);
    extractor->OnMemoryShortage(on_shortage);
    return extractor;
  });
}

Photo PhotoExtractor::Read(const std::string& name) const {
  const fs::path path = PhotoPath(options_.image_path, name);
  const TraceSpan span("decode");
  Photo photo;
  photo.name = name;
  try {
    const GrayImage image = ReadGrayImage(path);
    photo.exif = ReadExif(path);
    photo.width = image.width;
    photo.height = image.height;
    if (options_.upright) photo.quarter_turns = QuarterTurnsToUpright(photo.exif.orientation);
    photo.mask = masks_.Of(name, image.width, image.height);
    photo.suffix = PhotoSuffix(masks_.Fingerprint(name), photo.quarter_turns);
    photo.resized = ResizeForNetwork(TurnImage(image.gray, photo.quarter_turns), options_.max_image_size);
  } catch (const InputError& error) {
    photo.error = error.what();
  }
  return photo;
}

std::string PhotoExtractor::Suffix(const std::string& name) const {
  const int quarter_turns =
      options_.upright ? QuarterTurnsToUpright(ReadExif(PhotoPath(options_.image_path, name)).orientation)
                       : 0;
  return PhotoSuffix(masks_.Fingerprint(name), quarter_turns);
}

Features PhotoExtractor::Extract(const Photo& photo) {
  const TraceSpan span("extract");
  const cv::Mat& pixels = photo.resized.pixels;
  Features features = network_.ExtractTiled(pixels.ptr<float>(), pixels.cols, pixels.rows, options_.tile_size,
                                            FilterOf(photo));
  features.keypoints = ToStored(photo, features.keypoints);
  if (features.scales.defined()) features.scales = features.scales * photo.resized.scale();
  features.width = photo.width;
  features.height = photo.height;
  return features;
}

}  // namespace colmatch
