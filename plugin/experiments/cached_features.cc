// Features in a file; see cached_features.h.
#include "plugin/experiments/cached_features.h"

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "network/engines/superpoint_engine.h"
#include "plugin/runtime/command.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "training/data/feature_provenance.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {

void AddFeatureSetOptions(CLI::App& app, FeatureSetOptions& options) {
  AddOption(app, "--SuperGlue.views_per_photo", options.views_per_photo,
            "number of cached warps of each photo");
  AddOption(
      app, "--SuperGlue.scenes_per_photo", options.scenes_per_photo,
      "number of cached scenes of textured planes with parallax and occlusion per photo, besides its warps");
}

namespace {

using Report = std::function<void(int64_t done, int64_t total)>;
using Make = std::function<FeatureSet(const ViewNetwork& network, const Report& report)>;

torch::Device DeviceOf(SuperPoint network) { return network->parameters().front().device(); }

ViewNetwork NetworkFor(SuperPoint network, Precision precision) {
  if (precision == Precision::kFloat32) return network;
  const torch::Device device = DeviceOf(network);
  network = FoldBatchNorm(network);
  network->eval();
  network->to(device);
  return {MakeSuperPointEngine(network, precision, device), network->architecture(), device};
}

FeatureSet LoadOrMake(const std::string& path, const LoadedSuperPoint& superpoint, Precision requested,
                      std::string provenance, const std::string& label, const std::string& progress,
                      const Make& make) {
  const Precision precision = SuperPointPrecision(requested, DeviceOf(superpoint.network));
  if (precision != Precision::kFloat32) provenance += std::string("precision ") + NameOf(precision) + '\n';
  if (std::filesystem::exists(path)) return LoadFeatureSet(path, provenance);
  RemoveStaleTemporaries(path);
  std::unique_ptr<ProgressBar> bar;
  FeatureSet features = make(NetworkFor(superpoint.network, precision), [&](int64_t done, int64_t total) {
    if (StopRequested()) {
      throw Error(StopStatus(), "stopped by a signal while " + label +
                                    " were made; none of them is kept: the same command begins them again");
    }
    if (!bar) bar = std::make_unique<ProgressBar>(label, total, progress);
    bar->Update(done);
  });
  features.provenance = provenance;
  SaveFeatureSet(features, path);
  return features;
}

}  // namespace

FeatureSet LoadOrMakeFeatures(const std::string& path, const LoadedSuperPoint& superpoint,
                              Precision precision, const std::vector<ShardPhoto>& photos,
                              const FeatureSetOptions& options, const std::string& label,
                              const std::string& progress) {
  return LoadOrMake(path, superpoint, precision, ProvenanceOfFeatures(superpoint.sha256, photos, options),
                    label, progress, [&](const ViewNetwork& network, const Report& report) {
                      return MakeFeatureSet(network, photos, options, report);
                    });
}

FeatureSet LoadOrMakeFeatures(const std::string& path, const LoadedSuperPoint& superpoint,
                              Precision precision, const std::vector<Reconstruction>& reconstructions,
                              const ReconstructionFeatureOptions& options, const std::string& label,
                              const std::string& progress) {
  return LoadOrMake(path, superpoint, precision,
                    ProvenanceOfFeatures(superpoint.sha256, reconstructions, options), label, progress,
                    [&](const ViewNetwork& network, const Report& report) {
                      return MakeReconstructionFeatures(network, reconstructions, options, report);
                    });
}

}  // namespace colmatch
