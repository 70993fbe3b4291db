// The options of feature extraction.
#pragma once

#include <cstdint>
#include <string>

#include "network/keypoints.h"
#include "plugin/extraction/camera_choice.h"

namespace colmatch {

struct FeaturePipelineOptions {
  std::string database_path;
  std::string image_path;
  std::string image_list_path;  // empty: every photo below image_path
  CameraOptions camera;
  int64_t existing_camera_id = -1;        // -1: none
  std::string focal_convention = "auto";  // of EXIF focal lengths: auto (the database's), colmap3, colmap4
  std::string mask_path;                  // folder of masks NAME.png or STEM.png; empty: none
  std::string camera_mask_path;           // a mask for all photos; empty: none
  // The network sees photos turned by their EXIF orientation; keypoints stay those of the photo as stored.
  bool upright = true;
  int max_image_size = 1600;
  int tile_size = 0;
  KeypointOptions keypoints;

  static constexpr Declaration<int> kMaxImageSize{
      "--SuperPoint.max_image_size,--FeatureExtraction.max_image_size,--SiftExtraction.max_image_size",
      "longer side given to the network, pixels; 0: never resize, which --SuperPoint.tile_size does too"};
  static constexpr Declaration<int> kTileSize{
      "--SuperPoint.tile_size",
      "longest side that the network sees at once, pixels, for big photos in bounded memory; 0: no tiles"};
};

}  // namespace colmatch
