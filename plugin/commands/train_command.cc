// `colmatch train superpoint|superglue`: the trainings, their run folders and their weights.
#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <utility>

#include "network/flops.h"
#include "network/keypoint_code.h"
#include "network/weights.h"
#include "plugin/commands/command_list.h"
#include "plugin/experiments/cached_features.h"
#include "plugin/experiments/run_folder.h"
#include "plugin/experiments/training_machine.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/plot.h"
#include "plugin/runtime/progress.h"
#include "training/data/descriptor_targets.h"
#include "training/data/feature_set.h"
#include "training/loop/superglue_trainer.h"
#include "training/loop/superpoint_trainer.h"
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

class Train : public Command {
 public:
  std::string name() const override { return "train"; }
  std::vector<std::string> precisions() const override { return {kBf16, kFp16}; }
  std::string description() const override {
    return "Train MagicPoint on synthetic shapes, SuperPoint or SuperGlue on homography-warped photos; "
           "resumable, "
           "deterministic for a seed";
  }
  std::string examples() const override {
    return "  colmatch train magicpoint --output runs/magicpoint --num_steps 20000\n"
           "  colmatch prepare_shards --image_path PHOTOS --output train.shard\n"
           "  colmatch train superpoint --shards train.shard --output runs/superpoint --num_steps 20000\n"
           "  colmatch train superpoint --shards train.shard --output runs/superpoint --num_steps 20000 "
           "--resume\n"
           "  colmatch train superglue --shards train.shard --superpoint "
           "runs/superpoint/superpoint.safetensors \\\n"
           "      --output runs/superglue --num_steps 20000";
  }

  void AddOptions(CLI::App& app) override {
    app_ = &app;
    AddOption(app, "network", network_, "magicpoint, superpoint or superglue")
        ->required()
        ->check(CLI::IsMember({"magicpoint", "superpoint", "superglue"}));
    AddOption(app, "--shards", shards_,
              "training shards of `colmatch prepare_shards`; magicpoint needs none");
    AddOption(app, "--output", loop_.run_folder, "run folder: checkpoint, weights, log.txt, metrics.npz")
        ->required();
    app.add_flag("--resume", loop_.resume, "go on from the checkpoint in the run folder");
    AddOption(app, "--num_steps", loop_.schedule.num_steps, "optimiser steps in all");
    AddOption(app, "--learning_rate", loop_.schedule.learning_rate, "highest, after warm-up");
    AddOption(app, "--warmup_steps", loop_.schedule.warmup_steps, "steps of linear warm-up");
    AddOption(app, "--weight_decay", loop_.weight_decay, "AdamW's");
    AddOption(app, "--clip_norm", loop_.clip_norm, "a longer gradient is shortened to this norm");
    AddOption(app, "--batches_per_step", loop_.batches_per_step,
              "batches whose gradients are averaged; processes started by torchrun share them")
        ->check(CLI::Range(1, 1 << 20));
    AddOption(app, "--patience", loop_.patience,
              "stop after so many validations without a lower loss, and keep the best network; 0: never");
    app.add_flag("--fixed_batch", loop_.fixed_batch,
                 "every step takes the first batch: shows what preparing data costs");
    AddOption(app, "--log_every", loop_.log_every, "steps");
    AddOption(app, "--checkpoint_every", loop_.checkpoint_every, "steps");
    AddOption(app, "--validate_every", loop_.validate_every, "steps; 0: never");
    AddOption(app, "--num_workers", num_workers_,
              "threads that prepare batches and features ahead; 0: one, beside a GPU one a core")
        ->check(CLI::Range(0, 256));
    AddOption(app, "--initial", initial_path_, "weights to go on from instead of a fresh start");
    AddOption(app, "--teacher", teacher_path_,
              "weights of a larger network of the same kind and descriptors, whose answers are followed too");
    AddOption(app, "--teacher_weight", teacher_weight_, "of those answers beside the labels, 0 to 1")
        ->check(CLI::Range(0.0, 1.0));
    AddOption(app, "--metadata", metadata_,
              "KEY=VALUE lines for the weights' card (licence, training_data, ...)");
    AddSuperPointOptions(app);
    AddSuperGlueOptions(app);
  }

  int Run(const CommonOptions& common) override {
    replicas_ = Replicas::FromEnvironment();
    TrainHooks hooks;
    hooks.stop = &StopRequested();
    hooks.replicas = &replicas_;
    ProgressBar bar("training", loop_.schedule.num_steps, common.progress);
    hooks.report = [&](const TrainProgress& p) {
      if (!p.validation) rates_.push_back({p.steps_per_second, p.flops_per_second});
      ShowProgress(p, bar, common.progress);
    };
    hooks.saved = [&](int64_t step, const MetricSeries& metrics) {
      steps_done_ = step;
      WriteMetricsJson(loop_.run_folder, metrics);
      Plot(loop_.run_folder, metrics);
    };
    MakeFolder(loop_.run_folder);
    if (replicas_.IsFirst()) WriteConfig();
    ChooseMachine(common, num_workers_, loop_);
    if (network_ != "magicpoint" && shards_.empty())
      throw UsageError("train " + network_ + ": --shards is required");
    network_ == "superglue" ? TrainMatcher(common, hooks) : TrainDetector(common, hooks);
    if (replicas_.IsFirst()) ReportSpeed();
    return StopStatus();
  }

 private:
  // Of the middle report, beside what the machine's matrix product gives right after it.
  void ReportSpeed() {
    if (rates_.empty()) return;
    const auto middle = rates_.begin() + static_cast<std::ptrdiff_t>(rates_.size() / 2);
    std::nth_element(rates_.begin(), middle, rates_.end());
    const auto [steps, flops] = *middle;
    const int pictures = 2 * superpoint_.data.batch_size;
    const int batch = network_ == "superglue"    ? superglue_.batch_size
                      : network_ == "magicpoint" ? pictures
                                                 : superpoint_.data.batch_size;
    const char* item = network_ == "magicpoint" ? " pictures/s, " : " pairs/s, ";
    const torch::ScalarType type = loop_.precision == Precision::kBf16   ? torch::kBFloat16
                                   : loop_.precision == Precision::kFp16 ? torch::kHalf
                                                                         : torch::kFloat;
    const double peak = MeasureMatrixProductRate(torch::Device(loop_.device), type);
    std::ostringstream text;
    text << std::fixed << std::setprecision(1)
         << "speed: " << steps * batch * static_cast<double>(loop_.batches_per_step) << item << flops * 1e-9
         << " GFLOP/s, " << 100 * flops / peak << " % of the matrix product's " << peak * 1e-9 << " GFLOP/s";
    LogInfo(text.str());
  }

  // Every option of this run as it was resolved; `--config` reads it again.
  void WriteConfig() const {
    std::ostringstream config;
    config << "# colmatch train " << network_ << " --config THIS_FILE\n";
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
    WriteFileAtomically((fs::path(loop_.run_folder) / "config.ini").string(), config.str());
  }

  void AddSuperPointOptions(CLI::App& app) {
    auto& o = superpoint_;
    AddOption(app, "--SuperPoint.encoder_widths", o.architecture.encoder_widths,
              "channels of conv1 conv2 conv3 conv4; with --initial its own or wider ones")
        ->delimiter(',');
    AddOption(app, "--SuperPoint.head_width", o.architecture.head_width, "channels of convPa and convDa");
    AddPlaceRadiusOption(app, o.architecture.place_radius, "with --initial its own");
    AddScalesOption(app, o.architecture.scales, "1; with --initial its own");
    AddOption(app, "--SuperPoint.descriptor_dim", o.architecture.descriptor_dim, "descriptor channels");
    AddOption(app, "--SuperPoint.labels", label_source_,
              "repeated: peaks of the Hessian that both views show; shards: those of prepare_shards")
        ->check(CLI::IsMember({"repeated", "shards"}));
    AddOption(app, "--SuperPoint.max_peaks_per_cell", o.data.max_peaks_per_cell,
              "strongest peaks of a view, a cell of 8 x 8 pixels");
    AddOption(app, "--SuperPoint.repeated_px", o.data.repeated_px, "largest distance of a repeated peak");
    AddOption(app, "--SuperPoint.patch_width", o.data.patch_width,
              "training picture, pixels, a multiple of 8");
    AddOption(app, "--SuperPoint.patch_height", o.data.patch_height,
              "training picture, pixels, a multiple of 8");
    AddOption(app, "--SuperPoint.batch_size", o.data.batch_size, "pairs of pictures a step");
    AddOption(app, "--SuperPoint.num_correspondences", o.data.num_correspondences, "points a pair");
    AddOption(app, "--SuperPoint.min_region", o.data.min_region,
              "least share of the photo's side that a pair looks at");
    AddOption(app, "--SuperPoint.max_region", o.data.max_region, "largest share");
    AddOption(app, "--SuperPoint.difficulty", o.data.homography.difficulty, "of the homographies, 0 to 1");
    AddOption(app, "--SuperPoint.max_angle", o.data.homography.max_angle_deg,
              "in-plane rotation, degrees, times the difficulty");
    AddOption(app, "--SuperPoint.camera_changes", o.data.camera.probability,
              "share of the pictures changed as other cameras and hours do: response, haze, night, motion, "
              "compression")
        ->check(CLI::Range(0.0, 1.0));
    AddOption(app, "--SuperPoint.targets", target_paths_,
              "files of a teacher's descriptors (scripts/teach_descriptors.py) that are learned too; photos "
              "without any are left out");
    AddOption(app, "--SuperPoint.target_weight", o.loss.target_weight,
              "of the loss against the teacher's descriptors")
        ->check(CLI::Range(0.0, 1000.0));
    AddOption(app, "--SuperPoint.target_share", o.data.target_share,
              "of the points of a pair that are the teacher's")
        ->check(CLI::Range(0.0, 1.0));
    AddOption(app, "--SuperPoint.images_on_device", images_on_device_,
              "warps and augmentation where the network is: auto (on a GPU), on, off")
        ->check(CLI::IsMember({"auto", "on", "off"}));
    AddOption(app, "--SuperPoint.curriculum_share", superpoint_.curriculum_share,
              "of the steps over which the homographies become harder");
    AddOption(app, "--SuperPoint.detector_weight", o.loss.detector_weight, "of the detector's loss");
    AddOption(app, "--SuperPoint.near_negatives", o.loss.near_negatives,
              "places beside each point that its descriptor learns to tell from it; 0: none")
        ->check(CLI::Range(0, 64));
    AddOption(app, "--SuperPoint.temperature", o.loss.temperature, "of the descriptors' softmax");
  }

  void AddSuperGlueOptions(CLI::App& app) {
    auto& o = superglue_;
    AddOption(app, "--superpoint", superpoint_path_,
              "frozen SuperPoint whose features SuperGlue learns to match");
    AddOption(app, "--features", features_path_,
              "file that keeps these features between runs; made if it is missing");
    AddOption(app, "--views", view_paths_,
              "reconstructed scenes of `colmatch prepare_views`: pairs of real photos beside the warps");
    AddOption(app, "--view_features", view_features_path_, "as --features, for --views");
    AddOption(app, "--SuperGlue.groups_per_view", view_features_.groups_per_view,
              "groups of views_per_photo photos of one scene that each photo starts");
    AddOption(app, "--SuperGlue.num_layer_pairs", o.architecture.num_layer_pairs,
              "depth: pairs of a self and a cross layer; with --initial its own or more");
    AddOption(app, "--SuperGlue.keypoint_encoder", o.architecture.keypoint_encoder, "hidden widths")
        ->delimiter(',');
    AddOption(
        app, "--SuperGlue.keypoint_octaves", keypoint_octaves_,
        "wavelengths of a fixed code of positions before the keypoint encoder's last layer; 0: all of it is "
        "learned")
        ->check(CLI::IsMember({0, 4, 5, 6, 7, 8, 9}));
    AddOption(app, "--SuperGlue.batch_size", o.batch_size, "pairs a step");
    AddOption(app, "--SuperGlue.min_keypoints", o.min_keypoints, "least number of keypoints of a step");
    AddOption(app, "--SuperGlue.max_keypoints", o.max_keypoints, "largest number of keypoints of a step");
    AddOption(app, "--SuperGlue.negative_share", o.negative_share,
              "of the pairs, of two photos: shows it that there may be nothing to match");
    AddOption(app, "--SuperGlue.augmentation", o.augmentation,
              "random displacement of each view's keypoints, some left out; 0: none, 1: strong")
        ->check(CLI::Range(0.0, 10.0));
    AddOption(app, "--SuperGlue.descriptor_rotation", o.descriptor_rotation,
              "random rotations of the descriptors' space, a batch, radians: photos are not memorised")
        ->check(CLI::Range(0.0, 10.0));
    AddOption(app, "--SuperGlue.descriptor_noise", o.descriptor_noise,
              "length of the random vectors added to descriptors")
        ->check(CLI::Range(0.0, 10.0));
    AddOption(app, "--SuperGlue.train_sinkhorn_iterations", o.sinkhorn_iterations, "in training");
    AddOption(app, "--SuperGlue.sinkhorn_iterations", o.architecture.sinkhorn_iterations,
              "that the weights will specify; with --initial its own");
    AddOption(app, "--SuperGlue.guidance_rounds", o.architecture.guidance_rounds,
              "that the weights will specify (docs/engine.md); with --initial its own");
    AddOption(app, "--SuperGlue.deep_supervision", o.deep_supervision,
              "weight of the losses of inner layers");
    AddOption(
        app, "--SuperGlue.calibration_recall", o.calibration_recall,
        "at the end the dustbin rises while recall stays this many times mutual nearest neighbours'; 0: no");
    AddOption(app, "--SuperGlue.initial_gain", o.initial_gain,
              "coupling score of equal descriptors at the start");
    AddOption(app, "--SuperGlue.views_per_photo", feature_set_.views_per_photo, "cached warps of each photo");
    AddOption(
        app, "--SuperGlue.scenes_per_photo", feature_set_.scenes_per_photo,
        "cached scenes of textured planes, seen with parallax and occlusion, beside each photo's warps");
    AddOption(app, "--SuperGlue.difficulty", feature_set_.homography.difficulty,
              "of the homographies, 0 to 1");
    AddOption(app, "--SuperGlue.max_angle", feature_set_.homography.max_angle_deg,
              "in-plane rotation of the homographies, degrees, times their difficulty");
  }

  void TrainDetector(const CommonOptions& common, const TrainHooks& hooks) {
    SuperPointTrainingOptions options = superpoint_;
    options.loop = loop_;
    options.data.seed = common.random_seed;
    options.images_on_device =
        images_on_device_ == "on" || (images_on_device_ == "auto" && torch::Device(loop_.device).is_cuda());
    options.data.labels = label_source_ == "shards" ? LabelSource::kShards : LabelSource::kRepeatedPeaks;
    LoadedSuperPoint initial;
    if (!initial_path_.empty()) {
      initial = LoadSuperPoint(initial_path_);
      const SuperPointArchitecture& found = initial.network->architecture();
      options.architecture.sampling = found.sampling;
      if (app_->count("--SuperPoint.scales") == 0) options.architecture.scales = found.scales;
      if (app_->count("--SuperPoint.place_radius") == 0)
        options.architecture.place_radius = found.place_radius;
      options.architecture.descriptor_dim = found.descriptor_dim;
      if (app_->count("--SuperPoint.encoder_widths") == 0)
        options.architecture.encoder_widths = found.encoder_widths;
      if (app_->count("--SuperPoint.head_width") == 0) options.architecture.head_width = found.head_width;
    }
    options.loop.initial_sha256 = initial.sha256;
    if (!teacher_path_.empty()) Follow(LoadSuperPoint(teacher_path_), options);
    const SuperPoint network = network_ == "magicpoint"
                                   ? TrainMagicPoint(options, initial.network, hooks)
                                   : TrainSuperPoint(Photos(), options, initial.network, hooks);
    Metadata card = Card(common);
    if (network_ == "magicpoint") card["stage"] = "magicpoint: its descriptors are not trained";
    if (!initial.sha256.empty()) card["initial_sha256"] = initial.sha256;
    if (!replicas_.IsFirst()) return;
    SaveSuperPoint(network, card, (fs::path(loop_.run_folder) / "superpoint.safetensors").string());
  }

  // Of the shards; with a teacher's descriptors those that have any.
  std::vector<ShardPhoto> Photos() const {
    std::vector<ShardPhoto> photos = ReadShards(shards_);
    if (target_paths_.empty()) return photos;
    std::vector<ShardPhoto> taught = WithTargets(photos, ReadDescriptorTargets(target_paths_));
    LogInfo(std::to_string(taught.size()) + " of " + std::to_string(photos.size()) +
            " photos have a teacher's descriptors");
    return taught;
  }

  void TrainMatcher(const CommonOptions& common, const TrainHooks& hooks) {
    if (superpoint_path_.empty())
      throw UsageError("train superglue: --superpoint names the features to learn on");
    LoadedSuperPoint superpoint = LoadSuperPoint(superpoint_path_);
    const FeatureSet features = Features(superpoint, common);
    SuperGlueTrainingOptions options = superglue_;
    options.architecture.descriptor_dim = superpoint.network->architecture().descriptor_dim;
    options.loop = loop_;
    options.seed = common.random_seed;
    if (keypoint_octaves_ > 0) {
      options.architecture.fixed_keypoint_code = true;
      options.architecture.keypoint_encoder = KeypointCodeWidths(keypoint_octaves_);
    }
    LoadedSuperGlue initial;
    if (!initial_path_.empty()) {
      initial = LoadSuperGlue(initial_path_);
      // What it was, but for what is requested.
      const SuperGlueArchitecture asked =
          std::exchange(options.architecture, initial.network->architecture());
      options.architecture.descriptor_dim = asked.descriptor_dim;
      if (app_->count("--SuperGlue.sinkhorn_iterations") > 0)
        options.architecture.sinkhorn_iterations = asked.sinkhorn_iterations;
      if (app_->count("--SuperGlue.guidance_rounds") > 0)
        options.architecture.guidance_rounds = asked.guidance_rounds;
      if (keypoint_octaves_ > 0) {
        options.architecture.keypoint_encoder = asked.keypoint_encoder;
        options.architecture.fixed_keypoint_code = asked.fixed_keypoint_code;
      }
      if (app_->count("--SuperGlue.num_layer_pairs") > 0)
        options.architecture.num_layer_pairs = asked.num_layer_pairs;
    }
    options.loop.initial_sha256 = initial.sha256;
    if (!teacher_path_.empty()) Follow(LoadSuperGlue(teacher_path_), options);
    const SuperGlue network = TrainSuperGlue(features, options, initial.network, hooks);
    Metadata card = Card(common);
    card["superpoint_sha256"] = superpoint.sha256;
    if (!initial.sha256.empty()) card["initial_sha256"] = initial.sha256;
    if (!replicas_.IsFirst()) return;
    SaveSuperGlue(network, card, (fs::path(loop_.run_folder) / "superglue.safetensors").string());
  }

  // The network also learns from the teacher's answers.
  template <typename Loaded, typename Options>
  void Follow(const Loaded& teacher, Options& options) {
    const int found = teacher.network->architecture().descriptor_dim,
              expected = options.architecture.descriptor_dim;
    if (found != expected)
      throw UsageError("train " + network_ + ": --teacher has descriptors of " + std::to_string(found) +
                       " channels, expected " + std::to_string(expected) + " as the network that learns");
    options.teacher = teacher.network;
    options.teacher_weight = teacher_weight_;
    teacher_sha256_ = teacher.sha256;
  }

  FeatureSet Features(LoadedSuperPoint& superpoint, const CommonOptions& common) {
    const auto path = [&](const std::string& named, const char* otherwise) {
      return named.empty() ? (fs::path(loop_.run_folder) / otherwise).string() : named;
    };
    feature_set_.seed = common.random_seed;
    feature_set_.keypoints.keypoint_threshold = 0;
    feature_set_.validation_share = superglue_.validation_share;
    feature_set_.num_workers = loop_.num_workers;
    superpoint.network->to(torch::Device(loop_.device));
    FeatureSet warps = LoadOrMakeFeatures(path(features_path_, "features.pt"), superpoint,
                                          ReadShards(shards_), feature_set_, "features", common.progress);
    if (view_paths_.empty()) return warps;
    FeatureSetOptions& views = view_features_.views;
    views.views_per_photo = feature_set_.views_per_photo;
    views.keypoints = feature_set_.keypoints;
    views.seed = common.random_seed;
    views.num_workers = loop_.num_workers;
    std::vector<Reconstruction> reconstructions;
    for (const std::string& file : view_paths_) reconstructions.push_back(ReadReconstruction(file));
    return Joined(warps, LoadOrMakeFeatures(path(view_features_path_, "view_features.pt"), superpoint,
                                            reconstructions, view_features_, "views", common.progress));
  }

  Metadata Card(const CommonOptions& common) const {
    Metadata card;
    for (const std::string& entry : metadata_) {
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

  const CLI::App* app_ = nullptr;
  std::string network_;
  std::vector<std::string> shards_, metadata_, target_paths_;
  Replicas replicas_;
  TrainLoopOptions loop_;
  SuperPointTrainingOptions superpoint_;
  SuperGlueTrainingOptions superglue_;
  FeatureSetOptions feature_set_;
  ReconstructionFeatureOptions view_features_;
  std::vector<std::pair<double, double>> rates_;  // steps and operations per second, a report
  int64_t steps_done_ = 0;
  int keypoint_octaves_ = 0, num_workers_ = 0;
  std::string label_source_ = "repeated", images_on_device_ = "auto";
  std::string superpoint_path_, features_path_, view_features_path_, initial_path_, teacher_path_;
  std::string teacher_sha256_;
  double teacher_weight_ = 0.5;
  std::vector<std::string> view_paths_;
};

}  // namespace

std::unique_ptr<Command> MakeTrainCommand() { return std::make_unique<Train>(); }

}  // namespace colmatch
