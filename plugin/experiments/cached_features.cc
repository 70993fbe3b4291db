// Features in a file; see cached_features.h.
#include "plugin/experiments/cached_features.h"

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "network/engines/superpoint_engine.h"
#include "network/kernels/bf16.h"
#include "plugin/runtime/command.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "training/data/feature_provenance.h"
#include "util/atomic_file.h"
#include "util/error.h"

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

// In half precision where features are extracted so, too: on the CPU with instructions for it.
bool IsHalf(SuperPoint network, Precision precision) {
  return ScalarTypeOf(precision) != torch::kFloat &&
         (HasBf16Instructions() || !network->parameters().front().is_cpu());
}

ViewNetwork NetworkFor(const LoadedSuperPoint& superpoint, Precision precision) {
  SuperPoint network = superpoint.network;
  if (!IsHalf(network, precision)) return network;
  const torch::Device device = network->parameters().front().device();
  network = FoldBatchNorm(network);
  network->eval();
  network->to(device);
  return {MakeSuperPointEngine(network, precision, device), network->architecture(), device};
}

// Features of other precisions than float32 say so.
std::string WithPrecision(const std::string& provenance, const LoadedSuperPoint& superpoint,
                          Precision precision) {
  const bool is_half = IsHalf(superpoint.network, precision);
  return is_half ? provenance + "precision " + NameOf(precision) + '\n' : provenance;
}

}  // namespace

FeatureSet LoadOrMakeFeatures(const std::string& path, const LoadedSuperPoint& superpoint,
                              Precision precision, const std::vector<ShardPhoto>& photos,
                              const FeatureSetOptions& options, const std::string& label,
                              const std::string& progress) {
  const std::string made_of = ProvenanceOfFeatures(superpoint.sha256, photos, options);
  return LoadOrMake(path, WithPrecision(made_of, superpoint, precision), label, progress,
                    [&](const Report& report) {
                      return MakeFeatureSet(NetworkFor(superpoint, precision), photos, options, report);
                    });
}

FeatureSet LoadOrMakeFeatures(const std::string& path, const LoadedSuperPoint& superpoint,
                              Precision precision, const std::vector<Reconstruction>& reconstructions,
                              const ReconstructionFeatureOptions& options, const std::string& label,
                              const std::string& progress) {
  const std::string made_of = ProvenanceOfFeatures(superpoint.sha256, reconstructions, options);
  return LoadOrMake(path, WithPrecision(made_of, superpoint, precision), label, progress,
                    [&](const Report& report) {
                      return MakeReconstructionFeatures(NetworkFor(superpoint, precision), reconstructions,
                                                        options, report);
                    });
}

}  // namespace colmatch
