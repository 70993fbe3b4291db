// One photo of a collection to its features: read, turned upright, resized, masked, processed in tiles.
#pragma once

#include <string>

#include "matcher/feature_extractor.h"
#include "plugin/extraction/feature_options.h"
#include "plugin/extraction/mask.h"
#include "plugin/photos/exif.h"
#include "plugin/photos/image_resize.h"
#include "plugin/runtime/common_options.h"
#include "plugin/workers/engine_pool.h"

namespace colmatch {

// A photo ready for the network.
struct Photo {
  std::string name;
  ExifInfo exif;
  int width = 0, height = 0;  // of the photo as stored, px
  int quarter_turns = 0;      // clockwise, to what the network sees
  ResizedImage resized;       // of the turned photo
  PhotoMask mask;             // of the photo as stored
  std::string suffix;         // of its features' provenance: PhotoSuffix
  std::string error;          // why it cannot be used; empty if it can
};

// (height, width) turned clockwise.
cv::Mat TurnImage(const cv::Mat& image, int quarter_turns);

// Features whose keypoints are those of the photo as stored, placed as in the photo turned so: what SuperGlue
// is to see of a photo whose descriptors come from the turned one.
Features AsTurned(const Features& features, int quarter_turns);

// A copy of the keypoints (N, 2), each through MapToOriginal or MapToResized.
torch::Tensor MapKeypoints(const torch::Tensor& keypoints, const ResizedImage& resized,
                           cv::Point2f (*map)(const ResizedImage&, const cv::Point2f&));

class PhotoExtractor {
 public:
  // Reads the weights. Throws UsageError for bad options and masks.
  PhotoExtractor(const FeaturePipelineOptions& options, const CommonOptions& common, torch::Device device);

  void OnMemoryShortage(MemoryShortageHandler handler) { network_.OnMemoryShortage(std::move(handler)); }

  // What cannot be read has its reason in `error`. Any thread may call it.
  Photo Read(const std::string& name) const;
  // The provenance suffix that Read would give, without reading the pixels; throws InputError for a mask that
  // cannot be read.
  std::string Suffix(const std::string& name) const;

  // In pixels of the photo as stored. One thread at a time.
  Features Extract(const Photo& photo);

  // Whether a Photo may be as large as its file, instead of max_image_size.
  bool HoldsWholePhotos() const { return options_.max_image_size == 0 || options_.tile_size > 0; }

  const FeatureExtractor& network() const { return network_; }
  const LoadedSuperPoint& weights() const { return network_.weights(); }

 private:
  FeaturePipelineOptions options_;
  MaskFolder masks_;
  FeatureExtractor network_;
};

using ExtractorPool = EnginePool<PhotoExtractor>;

// One a worker on the devices of the options; on the CPU as many workers as there are threads to use and
// memory suffices for.
ExtractorPool MakeExtractors(const FeaturePipelineOptions& options, const CommonOptions& common);

}  // namespace colmatch
