// Features in a file; see cached_features.h.
#include "plugin/experiments/cached_features.h"

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "plugin/runtime/command.h"
#include "plugin/runtime/progress.h"
#include "training/data/feature_provenance.h"
#include "util/atomic_file.h"

namespace colmatch {

void AddFeatureSetOptions(CLI::App& app, FeatureSetOptions& options) {
  AddOption(app, "--SuperGlue.views_per_photo", options.views_per_photo, "cached warps of each photo");
  AddOption(app, "--SuperGlue.scenes_per_photo", options.scenes_per_photo,
            "cached scenes of textured planes, seen with parallax and occlusion, beside each photo's warps");
}

namespace {

using Report = std::function<void(int64_t done, int64_t total)>;

FeatureSet LoadOrMake(const std::string& path, const std::string& provenance, const std::string& label,
                      const std::string& progress, const std::function<FeatureSet(const Report&)>& make) {
  if (std::filesystem::exists(path)) return LoadFeatureSet(path, provenance);
  RemoveStaleTemporaries(path);
  std::unique_ptr<ProgressBar> bar;
  FeatureSet features = make([&](int64_t done, int64_t total) {
    if (!bar) bar = std::make_unique<ProgressBar>(label, total, progress);
    bar->Update(done);
  });
  features.provenance = provenance;
  SaveFeatureSet(features, path);
  return features;
}

}  // namespace

FeatureSet LoadOrMakeFeatures(const std::string& path, LoadedSuperPoint& superpoint,
                              const std::vector<ShardPhoto>& photos, const FeatureSetOptions& options,
                              const std::string& label, const std::string& progress) {
  return LoadOrMake(
      path, ProvenanceOfFeatures(superpoint.sha256, photos, options), label, progress,
      [&](const Report& report) { return MakeFeatureSet(superpoint.network, photos, options, report); });
}

FeatureSet LoadOrMakeFeatures(const std::string& path, LoadedSuperPoint& superpoint,
                              const std::vector<Reconstruction>& reconstructions,
                              const ReconstructionFeatureOptions& options, const std::string& label,
                              const std::string& progress) {
  return LoadOrMake(path, ProvenanceOfFeatures(superpoint.sha256, reconstructions, options), label, progress,
                    [&](const Report& report) {
                      return MakeReconstructionFeatures(superpoint.network, reconstructions, options, report);
                    });
}

}  // namespace colmatch
