// Features in a file; see cached_features.h.
#include "plugin/cached_features.h"

#include <torch/torch.h>

#include <filesystem>
#include <memory>

#include "network/atomic_file.h"
#include "plugin/progress.h"
#include "training/feature_provenance.h"

namespace colmatch {

FeatureSet LoadOrMakeFeatures(const std::string& path, LoadedSuperPoint& superpoint,
                              const std::vector<ShardPhoto>& photos, const FeatureSetOptions& options,
                              const std::string& label, const std::string& progress) {
  const std::string provenance = ProvenanceOfFeatures(superpoint.sha256, photos, options);
  if (std::filesystem::exists(path)) return LoadFeatureSet(path, provenance);
  RemoveStaleTemporaries(path);
  std::unique_ptr<ProgressBar> bar;
  const auto report = [&](int64_t done, int64_t total) {
    if (!bar) bar = std::make_unique<ProgressBar>(label, total, progress);
    bar->Update(done);
  };
  FeatureSet features = MakeFeatureSet(superpoint.network, photos, options, report);
  features.provenance = provenance;
  SaveFeatureSet(features, path);
  return features;
}

}  // namespace colmatch
