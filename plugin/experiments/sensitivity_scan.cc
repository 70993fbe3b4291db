// The scan of `colmatch compress sensitivity`; see sensitivity.h.
#include <torch/torch.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "matcher/devices.h"
#include "matcher/feature_extractor.h"
#include "matcher/matcher_list.h"
#include "plugin/experiments/evaluation_methods.h"
#include "plugin/experiments/sensitivity.h"
#include "plugin/experiments/warped_pairs.h"
#include "plugin/photos/image_reader.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/plot.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "plugin/runtime/weights_location.h"
#include "plugin/workers/engine_pool.h"
#include "plugin/workers/in_order.h"
#include "training/compression/pruning.h"
#include "training/compression/quantization.h"
#include "util/atomic_file.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr double kDifficulty = 0.7;
constexpr int kNumKeypoints = 512;

// One change of one tensor.
struct Setting {
  std::string tensor;  // "superpoint.conv1a.weight"
  std::string kind;    // sparsity or bits
  double value = 0;
  bool operator==(const Setting& o) const { return tensor == o.tensor && kind == o.kind && value == o.value; }
};

torch::Tensor Changed(const torch::Tensor& weight, const Setting& setting) {
  return setting.kind == "sparsity" ? weight * MagnitudeMask(weight, setting.value)
                                    : ValuesOf(QuantizeByClusters(weight, static_cast<int>(setting.value)));
}

// A parameter is another while this lives.
class Exchange {
 public:
  Exchange(const torch::Tensor& parameter, const torch::Tensor& value)
      : parameter_(parameter), before_(parameter.detach().clone()) {
    parameter_.detach().copy_(value);
  }
  ~Exchange() { parameter_.detach().copy_(before_); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

 private:
  torch::Tensor parameter_, before_;
};

using PairFeatures = std::array<Features, 2>;

// Networks of a worker's own, of which one tensor at a time is another.
class Subject {
 public:
  Subject(const WeightsPaths& weights, torch::Device device)
      : device_(device),
        superpoint_(LoadSuperPoint(weights.superpoint)),
        superglue_(LoadSuperGlue(weights.superglue)),
        extractor_(superpoint_, Keypoints(), device) {}

  std::vector<PairFeatures> Extract(const std::vector<WarpedPair>& pairs) {
    torch::NoGradGuard no_grad;
    std::vector<PairFeatures> all;
    for (const WarpedPair& pair : pairs) {
      all.emplace_back();
      for (size_t v = 0; v < 2; ++v)
        all.back()[v] =
            extractor_.Extract(pair.pixels[v].ptr<float>(), pair.pixels[v].cols, pair.pixels[v].rows);
    }
    return all;
  }

  Json Measure(const std::vector<WarpedPair>& pairs, const std::vector<PairFeatures>& features) {
    torch::NoGradGuard no_grad;
    MatcherSetup setup{superglue_, {}, device_, {}, {}};
    setup.options.superglue.guidance_rounds = 0;  // what its weights do, not what guidance mends
    const auto matcher = MakeMatcher(std::move(setup));
    std::vector<Measures> rows;
    for (size_t p = 0; p < pairs.size(); ++p) {
      const auto& [features0, features1] = features[p];
      rows.push_back(
          MeasureByHomography(ToMatchedPair(features0, features1, matcher->Match(features0, features1)),
                              pairs[p].h1_from_0, kWarpedPairSize, kWarpedPairSize));
    }
    Json result;
    for (const Statistic& statistic : HomographyStatistics()) {
      const double value = EstimateStatistic(statistic, rows, 1).value;
      if (statistic.threshold == "10") result[statistic.key] = value;
      if (statistic.key == "precision" || statistic.key == "recall") result[statistic.key] = value;
    }
    return result;
  }

  // features: of the dense networks, for changes of SuperGlue.
  Json MeasureSetting(const Setting& setting, const std::vector<WarpedPair>& pairs,
                      const std::vector<PairFeatures>& features) {
    torch::NoGradGuard no_grad;
    const size_t dot = setting.tensor.find('.');
    const std::string network = setting.tensor.substr(0, dot), name = setting.tensor.substr(dot + 1);
    const bool detects = network == "superpoint";
    const torch::Tensor parameter = detects ? superpoint_.network->named_parameters()[name]
                                            : superglue_.network->named_parameters()[name];
    const Exchange exchange(parameter, Changed(parameter, setting));
    Json result = Measure(pairs, detects ? Extract(pairs) : features);
    result["tensor"] = setting.tensor;
    result["kind"] = setting.kind;
    result["value"] = setting.value;
    return result;
  }

  const LoadedSuperPoint& superpoint() const { return superpoint_; }
  const LoadedSuperGlue& superglue() const { return superglue_; }

 private:
  static KeypointOptions Keypoints() {
    KeypointOptions keypoints;
    keypoints.max_num_features = kNumKeypoints;
    keypoints.scales = {1};  // what its weights do at one size they do at all
    return keypoints;
  }

  torch::Device device_;
  LoadedSuperPoint superpoint_;
  LoadedSuperGlue superglue_;
  FeatureExtractor extractor_;  // of the same network: a change of it shows here
};

class Scan {
 public:
  Scan(const SensitivityOptions& options, const CommonOptions& common, const WeightsPaths& weights,
       const std::string& folder)
      : options_(options),
        common_(common),
        folder_(folder),
        subjects_(WorkersOn({DeviceFromName(common.device)}, NumWorkers(common)),
                  [&](torch::Device device) { return std::make_unique<Subject>(weights, device); }) {}

  int Run() {
    MakePairs();
    ReadScan();
    features_ = subjects_.Submit([&](Subject& subject) { return subject.Extract(pairs_); }).get();
    if (!scan_.contains("dense"))
      scan_["dense"] =
          subjects_.Submit([&](Subject& subject) { return subject.Measure(pairs_, features_); }).get();
    MeasureSettings();
    Plot();
    return StopStatus();
  }

 private:
  std::string Path() const { return (fs::path(folder_) / "scan.json").string(); }

  void MakePairs() {
    const auto names = ListImages(options_.image_path);
    for (size_t p = 0; static_cast<int>(pairs_.size()) < options_.num_pairs; ++p) {
      // Spread over the photos, so that few pairs do not all show the first domain.
      const size_t photo = p * names.size() / static_cast<size_t>(options_.num_pairs) % names.size();
      try {
        pairs_.push_back(MakeWarpedPair(fs::path(options_.image_path) / names[photo], kDifficulty,
                                        common_.random_seed, p));
      } catch (const InputError& error) {
        LogWarning(error.what());
        if (p > names.size() + static_cast<size_t>(options_.num_pairs)) throw;
      }
    }
  }

  std::vector<Setting> Settings() const {
    std::vector<Setting> settings;
    const auto add = [&](const std::string& prefix, const torch::nn::Module& network) {
      for (const std::string& name : CompressibleTensors(network)) {
        for (const double sparsity : options_.sparsities)
          settings.push_back({prefix + name, "sparsity", sparsity});
        for (const int bits : options_.bits)
          settings.push_back({prefix + name, "bits", static_cast<double>(bits)});
      }
    };
    add("superpoint.", *subjects_.front().superpoint().network);
    add("superglue.", *subjects_.front().superglue().network);
    return settings;
  }

  // Those that are not in the scan yet, side by side; each is written as soon as all before it were.
  void MeasureSettings() {
    const std::vector<Setting> settings = Settings();
    ProgressBar bar("settings", static_cast<int64_t>(settings.size()), common_.progress);
    int64_t done = 0;
    InOrder<Json> measured(2 * subjects_.size(), "wait for settings");
    for (const Setting& setting : settings) {
      if (StopRequested()) break;
      if (IsDone(setting)) {
        bar.Update(++done);
        continue;
      }
      auto result = subjects_.Submit(
          [this, setting](Subject& subject) { return subject.MeasureSetting(setting, pairs_, features_); });
      measured.Add(std::move(result), [&](Json entry) {
        scan_["settings"].push_back(std::move(entry));
        WriteFileAtomically(Path(), scan_.dump(1) + "\n");
        bar.Update(++done);
      });
    }
    measured.Finish();
  }

  // A scan of other weights or pairs is not gone on with.
  void ReadScan() {
    const Json identity = {{"superpoint_sha256", subjects_.front().superpoint().sha256},
                           {"superglue_sha256", subjects_.front().superglue().sha256},
                           {"num_pairs", options_.num_pairs},
                           {"random_seed", common_.random_seed}};
    scan_ = {{"of", identity}};
    if (fs::exists(Path())) {
      try {
        scan_ = Json::parse(ReadWholeFile(Path()));
      } catch (const Json::exception& error) {
        throw InputError(Path() + ": is damaged: " + error.what() + "; delete it to begin anew");
      }
      if (!scan_.contains("of") || scan_["of"] != identity)
        throw UsageError(Path() + ": is a scan of other weights, pairs or seed; name another folder");
    }
    if (!scan_.contains("settings")) scan_["settings"] = Json::array();
  }

  bool IsDone(const Setting& setting) const {
    for (const Json& entry : scan_["settings"]) {
      if (setting == Setting{entry.at("tensor"), entry.at("kind"), entry.at("value")}) return true;
    }
    return false;
  }

  // Loss of precision and recall, points, one picture a network and kind, a curve a tensor.
  void Plot() const {
    const Json& dense = scan_["dense"];
    for (const std::string network : {"superpoint", "superglue"}) {
      for (const std::string kind : {"sparsity", "bits"}) {
        std::map<std::string, Curve> curves;
        for (const Json& entry : scan_["settings"]) {
          const std::string tensor = entry["tensor"];
          if (tensor.rfind(network, 0) != 0 || entry["kind"] != kind) continue;
          Curve& curve = curves[tensor];
          curve.label = tensor.substr(network.size() + 1);
          curve.x.push_back(entry["value"]);
          const double precision = dense["precision"].get<double>() - entry["precision"].get<double>(),
                       recall = dense["recall"].get<double>() - entry["recall"].get<double>();
          curve.y.push_back(100 * std::max(precision, recall));
        }
        std::vector<Curve> list;
        for (auto& item : curves) list.push_back(std::move(item.second));
        if (!list.empty())
          PlotCurves((fs::path(folder_) / (network + "_" + kind + ".png")).string(),
                     network + ": points of precision or recall lost", kind, list);
      }
    }
  }

  SensitivityOptions options_;
  CommonOptions common_;
  std::string folder_;
  std::vector<WarpedPair> pairs_;
  std::vector<PairFeatures> features_;  // of the dense networks
  Json scan_;
  EnginePool<Subject> subjects_;  // the last member: its threads read the others
};

}  // namespace

int ScanSensitivity(const SensitivityOptions& options, const CommonOptions& common,
                    const std::string& folder) {
  if (options.image_path.empty())
    throw UsageError("compress sensitivity: --image_path names the photos to measure on");
  MakeFolder(folder);
  return Scan(options, common, ResolveWeights(common.weights), folder).Run();
}

}  // namespace colmatch
