// The run of a training; see training_job.h.
#include "plugin/experiments/training_job.h"

#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <sstream>
#include <utility>

#include "network/engines/matrix_product_rate.h"
#include "network/keypoint_code.h"
#include "network/weights.h"
#include "plugin/experiments/cached_features.h"
#include "plugin/experiments/run_folder.h"
#include "plugin/experiments/training_machine.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/plot.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "training/data/descriptor_targets.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// One picture a metric, its validation beside it.
void Plot(const fs::path& folder, const MetricSeries& metrics) {
  for (const auto& [name, values] : metrics) {
    const bool steps = name.size() > 5 && name.compare(name.size() - 5, 5, "_step") == 0;
    if (steps || name.rfind("validation_", 0) == 0) continue;
    std::vector<Curve> curves = {{"training", metrics.at(name + "_step"), values}};
    const auto validation = metrics.find("validation_" + name);
    if (validation != metrics.end()) {
      curves.push_back({"validation", metrics.at("validation_" + name + "_step"), validation->second});
    }
    PlotCurves((folder / (name + ".png")).string(), name, "step", curves);
  }
}

class Training {
 public:
  Training(TrainingJob job, const CLI::App& app) : job_(std::move(job)), app_(&app) {}

  void Run(const CommonOptions& common) {
    replicas_ = Replicas::FromEnvironment();
    TrainHooks hooks;
    hooks.stop = &StopRequested();
    hooks.replicas = &replicas_;
    ProgressBar bar("training", job_.loop.schedule.num_steps, common.progress);
    hooks.report = [&](const TrainProgress& p) {
      if (!p.validation) rates_.push_back({p.steps_per_second, p.flops_per_second});
      ShowProgress(p, bar, common.progress);
    };
    hooks.saved = [&](int64_t step, const MetricSeries& metrics) {
      steps_done_ = step;
      WriteMetricsJson(job_.loop.run_folder, metrics);
      Plot(job_.loop.run_folder, metrics);
    };
    MakeFolder(job_.loop.run_folder);
    if (replicas_.IsFirst()) WriteConfig();
    ChooseMachine(common, job_.num_workers, job_.loop);
    if (job_.network != "magicpoint" && job_.shards.empty())
      throw UsageError("train " + job_.network + ": --shards is required");
    job_.network == "superglue" ? TrainMatcher(common, hooks) : TrainDetector(common, hooks);
    if (replicas_.IsFirst()) ReportSpeed();
  }

 private:
  // Of the middle report, beside what the machine's matrix product gives right after it.
  void ReportSpeed() {
    if (rates_.empty()) return;
    const auto middle = rates_.begin() + static_cast<std::ptrdiff_t>(rates_.size() / 2);
    std::nth_element(rates_.begin(), middle, rates_.end());
    const auto [steps, flops] = *middle;
    const int pictures = 2 * job_.superpoint.data.batch_size;
    const int batch = job_.network == "superglue"    ? job_.superglue.batch_size
                      : job_.network == "magicpoint" ? pictures
                                                     : job_.superpoint.data.batch_size;
    const char* item = job_.network == "magicpoint" ? " pictures/s, " : " pairs/s, ";
    const double peak = MeasureMatrixProductRate(torch::Device(job_.loop.device), job_.loop.precision);
    std::ostringstream text;
    text << std::fixed << std::setprecision(1)
         << "speed: " << steps * batch * static_cast<double>(job_.loop.batches_per_step) << item
         << flops * 1e-9 << " GFLOP/s, " << 100 * flops / peak << " % of the matrix product's " << peak * 1e-9
         << " GFLOP/s";
    LogInfo(text.str());
  }

  // Every option of this run as it was resolved; `--config` reads it again.
  void WriteConfig() const {
    std::ostringstream config;
    config << "# colmatch train " << job_.network << " --config THIS_FILE\n";
    for (const CLI::Option* option : app_->get_options()) {
      const std::string name = option->get_single_name();
      if (option->get_lnames().empty() || name == "help" || name == "resume" || name == "output") continue;
      auto values =
          option->count() > 0 ? option->results() : std::vector<std::string>{option->get_default_str()};
      if (option->get_delimiter() != '\0')
        values = {CLI::detail::join(values, std::string(1, option->get_delimiter()))};
      for (const std::string& value : values) {
        if (!value.empty()) config << name << " = " << value << '\n';
      }
    }
    WriteFileAtomically((fs::path(job_.loop.run_folder) / "config.ini").string(), config.str());
  }

  void TrainDetector(const CommonOptions& common, const TrainHooks& hooks) {
    SuperPointTrainingOptions options = job_.superpoint;
    options.loop = job_.loop;
    options.data.seed = common.random_seed;
    options.images_on_device = job_.images_on_device == "on" ||
                               (job_.images_on_device == "auto" && torch::Device(job_.loop.device).is_cuda());
    options.data.labels = job_.label_source == "shards" ? LabelSource::kShards : LabelSource::kRepeatedPeaks;
    LoadedSuperPoint initial;
    if (!job_.initial_path.empty()) {
      initial = LoadSuperPoint(job_.initial_path);
      const SuperPointArchitecture& found = initial.network->architecture();
      options.architecture.sampling = found.sampling;
      options.architecture.pooled_descriptors = found.pooled_descriptors;
      if (found.refinement == Refinement::kScores) {
        options.architecture.refinement = found.refinement;
        options.architecture.refinement_radius = found.refinement_radius;
      }
      if (app_->count("--SuperPoint.scales") == 0) options.architecture.scales = found.scales;
      if (app_->count("--SuperPoint.place_radius") == 0)
        options.architecture.place_radius = found.place_radius;
      options.architecture.descriptor_dim = found.descriptor_dim;
      if (app_->count("--SuperPoint.encoder_widths") == 0)
        options.architecture.encoder_widths = found.encoder_widths;
      if (app_->count("--SuperPoint.head_width") == 0) options.architecture.head_width = found.head_width;
    }
    options.loop.initial_sha256 = initial.sha256;
    if (!job_.teacher_path.empty()) Follow(LoadSuperPoint(job_.teacher_path), options);
    const SuperPoint network = job_.network == "magicpoint"
                                   ? TrainMagicPoint(options, initial.network, hooks)
                                   : TrainSuperPoint(Photos(), options, initial.network, hooks);
    Metadata card = Card(common);
    if (job_.network == "magicpoint") card["stage"] = "magicpoint: its descriptors are not trained";
    if (!initial.sha256.empty()) card["initial_sha256"] = initial.sha256;
    if (!replicas_.IsFirst()) return;
    SaveSuperPoint(network, card, (fs::path(job_.loop.run_folder) / "superpoint.safetensors").string());
  }

  // Of the shards; with a teacher's descriptors those that have any.
  std::vector<ShardPhoto> Photos() const {
    std::vector<ShardPhoto> photos = ReadShards(job_.shards);
    if (job_.target_paths.empty()) return photos;
    std::vector<ShardPhoto> taught = WithTargets(photos, ReadDescriptorTargets(job_.target_paths));
    LogInfo(std::to_string(taught.size()) + " of " + std::to_string(photos.size()) +
            " photos have a teacher's descriptors");
    return taught;
  }

  void TrainMatcher(const CommonOptions& common, const TrainHooks& hooks) {
    if (job_.superpoint_path.empty())
      throw UsageError("train superglue: --superpoint names the features to learn on");
    LoadedSuperPoint superpoint = LoadSuperPoint(job_.superpoint_path);
    const FeatureSet features = Features(superpoint, common);
    SuperGlueTrainingOptions options = job_.superglue;
    options.architecture.descriptor_dim = superpoint.network->architecture().descriptor_dim;
    options.loop = job_.loop;
    options.seed = common.random_seed;
    if (job_.keypoint_octaves > 0) {
      options.architecture.fixed_keypoint_code = true;
      options.architecture.keypoint_encoder = KeypointCodeWidths(job_.keypoint_octaves);
    }
    LoadedSuperGlue initial;
    if (!job_.initial_path.empty()) {
      initial = LoadSuperGlue(job_.initial_path);
      // What it was, but for what is requested.
      const SuperGlueArchitecture asked =
          std::exchange(options.architecture, initial.network->architecture());
      options.architecture.descriptor_dim = asked.descriptor_dim;
      if (app_->count("--SuperGlue.sinkhorn_iterations") > 0)
        options.architecture.sinkhorn_iterations = asked.sinkhorn_iterations;
      if (app_->count("--SuperGlue.guidance_rounds") > 0)
        options.architecture.guidance_rounds = asked.guidance_rounds;
      if (job_.keypoint_octaves > 0) {
        options.architecture.keypoint_encoder = asked.keypoint_encoder;
        options.architecture.fixed_keypoint_code = asked.fixed_keypoint_code;
      }
      if (app_->count("--SuperGlue.num_layer_pairs") > 0)
        options.architecture.num_layer_pairs = asked.num_layer_pairs;
    }
    options.loop.initial_sha256 = initial.sha256;
    if (!job_.teacher_path.empty()) Follow(LoadSuperGlue(job_.teacher_path), options);
    const SuperGlue network = TrainSuperGlue(features, options, initial.network, hooks);
    Metadata card = Card(common);
    card["superpoint_sha256"] = superpoint.sha256;
    if (!initial.sha256.empty()) card["initial_sha256"] = initial.sha256;
    if (!replicas_.IsFirst()) return;
    SaveSuperGlue(network, card, (fs::path(job_.loop.run_folder) / "superglue.safetensors").string());
  }

  // The network also learns from the teacher's answers.
  template <typename Loaded, typename Options>
  void Follow(const Loaded& teacher, Options& options) {
    const int found = teacher.network->architecture().descriptor_dim,
              expected = options.architecture.descriptor_dim;
    if (found != expected)
      throw UsageError("train " + job_.network + ": --teacher has descriptors of " + std::to_string(found) +
                       " channels, expected " + std::to_string(expected) + " as the network that learns");
    options.teacher = teacher.network;
    options.teacher_weight = job_.teacher_weight;
    teacher_sha256_ = teacher.sha256;
  }

  FeatureSet Features(LoadedSuperPoint& superpoint, const CommonOptions& common) {
    const auto path = [&](const std::string& named, const char* otherwise) {
      return named.empty() ? (fs::path(job_.loop.run_folder) / otherwise).string() : named;
    };
    job_.feature_set.seed = common.random_seed;
    job_.feature_set.keypoints.keypoint_threshold = 0;
    job_.feature_set.validation_share = job_.superglue.validation_share;
    job_.feature_set.num_workers = job_.loop.num_workers;
    superpoint.network->to(torch::Device(job_.loop.device));
    FeatureSet warps =
        LoadOrMakeFeatures(path(job_.features_path, "features.pt"), superpoint, job_.loop.precision,
                           ReadShards(job_.shards), job_.feature_set, "features", common.progress);
    if (job_.view_paths.empty()) return warps;
    FeatureSetOptions& views = job_.view_features.views;
    views.views_per_photo = job_.feature_set.views_per_photo;
    views.keypoints = job_.feature_set.keypoints;
    views.seed = common.random_seed;
    views.num_workers = job_.loop.num_workers;
    std::vector<Reconstruction> reconstructions;
    for (const std::string& file : job_.view_paths) reconstructions.push_back(ReadReconstruction(file));
    return Joined(warps, LoadOrMakeFeatures(path(job_.view_features_path, "view_features.pt"), superpoint,
                                            job_.loop.precision, reconstructions, job_.view_features, "views",
                                            common.progress));
  }

  Metadata Card(const CommonOptions& common) const {
    Metadata card;
    for (const std::string& entry : job_.metadata) {
      const auto equals = entry.find('=');
      if (equals == std::string::npos) throw UsageError("--metadata: expected KEY=VALUE, found " + entry);
      card[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    card["trained_by"] = "colmatch " COLMATCH_VERSION;
    card["training_steps"] = std::to_string(steps_done_);  // a stopped training did fewer than were requested
    card["seed"] = std::to_string(common.random_seed);
    if (!teacher_sha256_.empty()) card["teacher_sha256"] = teacher_sha256_;
    return card;
  }

  TrainingJob job_;
  const CLI::App* app_;
  Replicas replicas_;
  std::vector<std::pair<double, double>> rates_;  // steps and operations per second, a report
  int64_t steps_done_ = 0;
  std::string teacher_sha256_;
};

}  // namespace

void RunTraining(TrainingJob job, const CLI::App& app, const CommonOptions& common) {
  Training(std::move(job), app).Run(common);
}

}  // namespace colmatch
