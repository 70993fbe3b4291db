// The records of a cluster's shards: one photo's features, one pair's matches.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plugin/photos/exif.h"
#include "util/colmap_types.h"

namespace colmatch {

// One photo's features as the database holds them (COLMAP's pixels), and what its row needs.
struct FeatureRecord {
  std::string name;
  std::string error;   // why there are none; empty if there are
  std::string suffix;  // of their provenance: PhotoSuffix
  ExifInfo exif;
  int64_t width = 0, height = 0;  // pixels
  KeypointsBlob keypoints;
  Descriptors descriptors;
  std::vector<float> scores;
};

std::string EncodeFeatures(const FeatureRecord& record);
// where: what an InputError names.
FeatureRecord DecodeFeatures(const std::string& bytes, const std::string& where);
// The name alone, of the record's first bytes (4 + the name's length).
std::string NameOfFeatures(const std::string& bytes, const std::string& where);

struct PairRecord {
  image_t image_id1 = 0, image_id2 = 0;
  Matches matches;
  std::vector<float> confidences;
  TwoViewGeometry geometry;
};

std::string EncodePair(const PairRecord& record);
PairRecord DecodePair(const std::string& bytes, const std::string& where);

}  // namespace colmatch
