// `colmatch layer_study`: how many layers SuperGlue needs, from trainings with several numbers of layers; the
// measurements of this project's first paper, over several random seeds.
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>

#include "network/engines/pair_matching.h"
#include "network/weights.h"
#include "plugin/commands/command_list.h"
#include "plugin/experiments/cached_features.h"
#include "plugin/experiments/layer_study.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// The seed's dataset: indices of keypoints are cut off here, tensors pooled in windows of this side.
constexpr int kNumClasses = 150;
constexpr int64_t kPooling = 8;

Features ViewOf(const FeatureSet& set, int64_t view) {
  Features features;
  features.keypoints = set.keypoints[view];
  features.scores = set.scores[view];
  features.descriptors = set.descriptors[view].to(torch::kFloat);
  features.width = set.view_width;
  features.height = set.view_height;
  return features;
}

// Median of ten pairs.
double MillisecondsOf(SuperGlue& network, const FeatureSet& set) {
  torch::NoGradGuard no_grad;
  std::vector<double> times;
  for (int64_t i = 0; i < 11; ++i) {
    const Features first = ViewOf(set, 2 * i % set.keypoints.size(0)),
                   second = ViewOf(set, (2 * i + 1) % set.keypoints.size(0));
    const auto start = Clock::now();
    MatchFeatures(network, first, second, {});
    if (i > 0) times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// The keypoint encoder's output (1, D, N) of a view, pooled.
torch::Tensor PooledEncoding(SuperGlue& network, const FeatureSet& set, int64_t view) {
  const Features features = ViewOf(set, view);
  SuperGlueInput input;
  input.keypoints = NormalizeKeypoints(features.keypoints.unsqueeze(0), features.width, features.height);
  input.scores = features.scores.unsqueeze(0);
  input.descriptors = features.descriptors.unsqueeze(0);
  return torch::max_pool2d(network->Encode(input).transpose(1, 2), kPooling);
}

// The seed's classification rows: of each pair both pooled tensors and the index of a matched keypoint, its
// partner's index as label. The capacity heuristic needs the rows' sums only.
void AddDatasetRows(SuperGlue& network, const FeatureSet& set, LayerStudyResult& result) {
  torch::NoGradGuard no_grad;
  result.dataset_classes = kNumClasses;
  for (int64_t photo = 0; photo < set.num_photos(); ++photo) {
    const auto first = PooledEncoding(network, set, 2 * photo),
               second = PooledEncoding(network, set, 2 * photo + 1);
    result.dataset_features = first.numel() + second.numel() + 1;
    const double sum = (first.sum() + second.sum()).item<double>();
    const auto matches = MatchViews(set, 2 * photo, 2 * photo + 1, set.keypoints.size(1), {}).matches0;
    for (int64_t i = 0; i < std::min<int64_t>(kNumClasses, matches.size(0)); ++i) {
      const int64_t j = matches.data_ptr<int64_t>()[i];
      if (j >= 0 && j < kNumClasses)
        result.dataset.push_back({sum + static_cast<double>(i), static_cast<int32_t>(j)});
    }
  }
}

class LayerStudy : public Command {
 public:
  std::string name() const override { return "layer_study"; }
  std::vector<std::string> aliases() const override { return {"depth_study"}; }
  std::string description() const override {
    return "Compare SuperGlues with different numbers of layers: accuracy, loss, capacity, generalisation, "
           "time";
  }
  std::string examples() const override {
    return "  scripts/reproduce_layer_study.sh PHOTOS HELD_OUT OUTPUT      trains the networks and calls "
           "this\n"
           "  colmatch layer_study runs/layers* --superpoint SP --shards train.shard \\\n"
           "      --test held_out=held_out.shard --test other_domain=facades.shard --output study";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "runs", folders_,
              "run folders of `colmatch train superglue`, any numbers of layers and random seeds")
        ->required();
    AddOption(app, "--superpoint", superpoint_path_, "SuperPoint on whose features they were trained")
        ->required();
    AddOption(app, "--shards", shards_,
              "photos that they were trained on; the capacity of the dataset is measured on these")
        ->required();
    AddOption(app, "--test", tests_, "NAME=SHARD: photos that no run has seen; may come several times");
    AddOption(app, "--output", output_, "folder for layer_study.md, layer_study.json and pictures")
        ->required();
    AddOption(app, "--num_pairs", num_pairs_, "pairs per test set", {8, 100000});
    AddOption(app, "--num_keypoints", num_keypoints_, "keypoints per picture", {16, 4096});
    AddOption(app, "--dataset_photos", dataset_photos_,
              "number of photos on which the capacity of the dataset is measured", {2, 100000});
  }

  int Run(const CommonOptions& common) override {
    MakeFolder(output_);
    LoadedSuperPoint superpoint = LoadSuperPoint(superpoint_path_);
    LayerStudyResult result;
    result.num_keypoints = num_keypoints_;
    std::vector<SuperGlue> networks = ReadRuns(result);
    for (const auto& [name, shard] : TestSets()) {
      result.tests.push_back(name);
      const FeatureSet features = TwoViewsEach(superpoint, ReadShards({shard}), common, name);
      for (size_t i = 0; i < networks.size(); ++i)
        result.runs[i].quality[name] = Quality(networks[i], features, common);
    }
    auto photos = ReadShards(shards_);
    if (static_cast<int>(photos.size()) > dataset_photos_)
      photos.resize(static_cast<size_t>(dataset_photos_));
    const FeatureSet dataset = TwoViewsEach(superpoint, photos, common, "dataset");
    for (size_t i = 0; i < networks.size(); ++i)
      result.runs[i].milliseconds = MillisecondsOf(networks[i], dataset);
    const auto deepest = std::max_element(result.runs.begin(), result.runs.end(),
                                          [](const auto& a, const auto& b) { return a.depth < b.depth; });
    AddDatasetRows(networks[static_cast<size_t>(deepest - result.runs.begin())], dataset, result);
    WriteLayerStudy(output_, result);
    return StopStatus();
  }

 private:
  std::vector<SuperGlue> ReadRuns(LayerStudyResult& result) const {
    std::vector<SuperGlue> networks;
    for (const std::string& folder : folders_) {
      StudiedRun studied;
      studied.run = ReadTrainingRun(folder);
      networks.push_back(LoadSuperGlue((fs::path(folder) / "superglue.safetensors").string()).network);
      studied.depth = networks.back()->architecture().num_layer_pairs;
      studied.descriptor_dim = networks.back()->architecture().descriptor_dim;
      result.runs.push_back(std::move(studied));
    }
    return networks;
  }

  std::vector<std::pair<std::string, std::string>> TestSets() const {
    std::vector<std::pair<std::string, std::string>> sets;
    for (const std::string& test : tests_) {
      const size_t equals = test.find('=');
      if (equals == std::string::npos || equals == 0)
        throw UsageError("--test: expected NAME=SHARD, found " + test);
      sets.emplace_back(test.substr(0, equals), test.substr(equals + 1));
    }
    return sets;
  }

  MatchingQuality Quality(SuperGlue& network, const FeatureSet& features, const CommonOptions& common) const {
    SuperGlueTrainingOptions options;
    options.max_keypoints = num_keypoints_;
    options.validation_pairs = num_pairs_;
    options.seed = common.random_seed;
    std::vector<int64_t> photos(static_cast<size_t>(features.num_photos()));
    std::iota(photos.begin(), photos.end(), int64_t{0});
    return MeasureMatching(network, features, options, photos);
  }

  // Two warps of each photo, kept in the output folder.
  FeatureSet TwoViewsEach(LoadedSuperPoint& superpoint, const std::vector<ShardPhoto>& photos,
                          const CommonOptions& common, const std::string& name) const {
    FeatureSetOptions options;
    options.views_per_photo = 2;
    options.num_keypoints = num_keypoints_;
    options.keypoints.keypoint_threshold = 0;
    options.scenes_per_photo = 0;
    options.seed = common.random_seed;
    const torch::Device device = superpoint.network->parameters().front().device();
    return LoadOrMakeFeatures((fs::path(output_) / (name + ".features.pt")).string(), superpoint,
                              TrainingPrecisionFromName(common.precision, device), photos, options,
                              "features of " + name, common.progress);
  }

  std::vector<std::string> folders_, shards_, tests_;
  std::string superpoint_path_, output_;
  int num_pairs_ = 256, num_keypoints_ = 512, dataset_photos_ = 400;
};

}  // namespace

std::unique_ptr<Command> MakeLayerStudyCommand() { return std::make_unique<LayerStudy>(); }

}  // namespace colmatch
