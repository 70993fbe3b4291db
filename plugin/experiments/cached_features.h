// Features for training and studying SuperGlue, made once and kept in a file.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "network/precision.h"
#include "network/weights.h"
#include "training/data/feature_set.h"
#include "training/data/reconstruction_features.h"

namespace colmatch {

// --SuperGlue.views_per_photo and scenes_per_photo, of training and of compression.
void AddFeatureSetOptions(CLI::App& app, FeatureSetOptions& options);

// Those of `path` if it is there, else made on the device superpoint.network is on, by the form of the
// network for the precision (as where photos are matched), under a progress bar, and saved there. Throws
// UsageError for a file whose features were made otherwise, EnvironmentError for a damaged one; after a
// signal Error with its exit status, and no file is written.
FeatureSet LoadOrMakeFeatures(const std::string& path, const LoadedSuperPoint& superpoint,
                              Precision precision, const std::vector<ShardPhoto>& photos,
                              const FeatureSetOptions& options, const std::string& label,
                              const std::string& progress);

// The same of reconstructions.
FeatureSet LoadOrMakeFeatures(const std::string& path, const LoadedSuperPoint& superpoint,
                              Precision precision, const std::vector<Reconstruction>& reconstructions,
                              const ReconstructionFeatureOptions& options, const std::string& label,
                              const std::string& progress);

}  // namespace colmatch
