// What cached features were made from, so that a training never takes another's.
#pragma once

#include <string>
#include <vector>

#include "training/data/feature_set.h"
#include "training/data/reconstruction_features.h"

namespace colmatch {

// Everything that decides a feature set, a "key value" line each: SuperPoint's weights, the photos (their
// number and a hash of their names and sizes, not of their pixels), options and seed.
std::string ProvenanceOfFeatures(const std::string& superpoint_sha256, const std::vector<ShardPhoto>& photos,
                                 const FeatureSetOptions& options);

// The same for views of reconstructions: files by name and number of views and points.
std::string ProvenanceOfFeatures(const std::string& superpoint_sha256,
                                 const std::vector<Reconstruction>& reconstructions,
                                 const ReconstructionFeatureOptions& options);

// Throws UsageError naming the file and every line that differs, with what was found and what is expected.
void RequireProvenance(const std::string& path, const std::string& found, const std::string& expected);

}  // namespace colmatch
