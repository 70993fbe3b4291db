// Features that Python has (read from HDF5) into COLMAP's database.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python/native/arrays.h"

namespace colmatch {

struct ImportedFeatures {
  int64_t imported = 0, already_there = 0;
  std::vector<std::pair<std::string, std::string>> skipped;  // photo, reason
};

// arguments: options of feature_extractor, of which paths, cameras and --busy_timeout count. photos: names
// relative to
// --image_path, whose EXIF gives the cameras. provenance: what made the features, one line. One transaction a
// photo; ends early where a stop is requested. Throws UsageError where rows of another provenance are there.
ImportedFeatures ImportFeatures(
    const std::vector<std::string>& arguments,
    const std::vector<std::pair<std::string, std::shared_ptr<const FeatureArrays>>>& photos,
    const std::string& provenance);

}  // namespace colmatch
