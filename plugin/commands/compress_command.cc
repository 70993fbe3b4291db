// `colmatch compress prune|quantize|sensitivity`: smaller networks from trained ones.
#include <torch/torch.h>

#include <filesystem>
#include <sstream>

#include "network/flops.h"
#include "network/weights.h"
#include "plugin/commands/command_list.h"
#include "plugin/experiments/cached_features.h"
#include "plugin/experiments/run_folder.h"
#include "plugin/experiments/sensitivity.h"
#include "plugin/experiments/training_machine.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "plugin/runtime/weights_location.h"
#include "training/compression/pruning.h"
#include "training/loop/superglue_trainer.h"
#include "training/loop/superpoint_trainer.h"
#include "util/atomic_file.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// Smaller tensors (the first maps of positions and pixels) cost nothing and carry much.
constexpr int64_t kLeastValues = 512;
// A tensor with so many zeros was pruned before.
constexpr double kPrunedShare = 0.02;

std::string Number(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

class CompressCommand : public Command {
 public:
  explicit CompressCommand(SensitivityScan scan) : scan_(std::move(scan)) {}

  std::string name() const override { return "compress"; }
  std::vector<std::string> precisions() const override { return {kBf16, kFp16}; }
  std::string description() const override {
    return "Prune and quantize networks so that they are smaller and faster, with fine-tuning that follows "
           "the "
           "dense ones";
  }
  std::string examples() const override {
    return "  colmatch compress sensitivity --weights default --image_path heldout_photos --output scan\n"
           "  colmatch compress prune --weights default --shards train.shard --sensitivity scan --output "
           "pruned\n"
           "  colmatch compress prune --method channel --SuperPoint.encoder_widths 12,24,48,96 \\\n"
           "      --SuperGlue.attention_dim 64 --SuperGlue.mlp_hidden 128 --shards train.shard --output "
           "narrow\n"
           "  colmatch compress quantize --method kmeans --bits 4 --weights pruned --shards train.shard "
           "--output "
           "compact";
  }

  void AddOptions(CLI::App& app) override {
    AddOption(app, "task", task_, "sensitivity, prune or quantize")
        ->required()
        ->check(CLI::IsMember({"sensitivity", "prune", "quantize"}));
    AddOption(app, "--output", output_,
              "folder for superpoint.safetensors, superglue.safetensors, run folders")
        ->required();
    AddOption(app, "--network", network_, "both, superpoint or superglue; the other is copied")
        ->check(CLI::IsMember({"both", "superpoint", "superglue"}));
    AddOption(
        app, "--method", method_,
        "prune: magnitude (single weights), 2:4 (two of every four) or channel (narrower layers); quantize: "
        "linear or kmeans (default: the first)")
        ->check(CLI::IsMember({"magnitude", "2:4", "channel", "linear", "kmeans"}));
    AddOption(app, "--sparsity", sparsity_, "prune magnitude: share of each tensor's weights that go")
        ->check(CLI::Range(0.0, 0.999));
    AddOption(app, "--sensitivity", sensitivity_,
              "prune magnitude, quantize kmeans: folder of a scan; each tensor goes as far as it says");
    AddOption(app, "--tolerance", tolerance_,
              "with --sensitivity: points of precision and recall a tensor may cost");
    AddOption(app, "--bits", bits_, "quantize: of a weight")->check(CLI::Range(1, 8));
    AddOption(app, "--codebook", codebook_,
              "quantize kmeans: tensor (each has its own) or shared (one a network, times a scale a tensor)")
        ->check(CLI::IsMember({"tensor", "shared"}));
    AddOption(app, "--SuperPoint.encoder_widths", encoder_widths_,
              "prune channel: channels of conv1 .. conv4")
        ->delimiter(',');
    AddOption(app, "--SuperPoint.head_width", head_width_,
              "prune channel: of convPa and convDa; 0: as it is");
    AddOption(app, "--SuperGlue.num_heads", narrower_.num_heads, "prune channel: heads that stay; 0: all");
    AddOption(app, "--SuperGlue.attention_dim", narrower_.attention_dim,
              "prune channel: of all heads; 0: as many channels a head as it has");
    AddOption(app, "--SuperGlue.mlp_hidden", narrower_.mlp_hidden, "prune channel; 0: as it is");
    AddOption(app, "--SuperGlue.layer_pairs", narrower_.layer_pairs,
              "prune channel: those that stay, from 0; none: all")
        ->delimiter(',');
    AddFineTuning(app);
    scan_options_.AddTo(app);
  }

  int Run(const CommonOptions& common) override {
    if (task_ == "sensitivity") {
      if (!scan_) throw UsageError("compress sensitivity: this build has no OpenCV to measure with");
      return scan_(scan_options_, common, output_);
    }
    CheckMethod();
    if (num_steps_ < 0) num_steps_ = shards_.empty() ? 0 : 300;
    if (num_steps_ > 0 && shards_.empty())
      throw UsageError("compress: --num_steps asks for fine-tuning, which needs --shards");
    const WeightsPaths paths = ResolveWeights(common.weights);
    MakeFolder(output_);
    const std::string superpoint = Path("superpoint.safetensors"), superglue = Path("superglue.safetensors");
    CompressSuperPoint(paths.superpoint, superpoint, common);
    if (!StopRequested()) CompressSuperGlue(paths.superglue, superpoint, superglue, common);
    return StopStatus();
  }

 private:
  std::string Path(const std::string& name) const { return (fs::path(output_) / name).string(); }

  void AddFineTuning(CLI::App& app) {
    AddOption(app, "--shards", shards_, "photos of `colmatch prepare_shards` to fine-tune on");
    AddOption(app, "--features", features_path_, "file that keeps SuperGlue's features between runs");
    AddOption(app, "--num_steps", num_steps_, "of fine-tuning, each network; -1: 300 with --shards, else 0");
    AddOption(app, "--learning_rate", learning_rate_, "of fine-tuning, highest");
    AddOption(app, "--num_workers", num_workers_, "as of train")->check(CLI::Range(0, 256));
    AddOption(app, "--teacher_weight", teacher_weight_,
              "of the dense network's answers beside the labels, 0 to 1")
        ->check(CLI::Range(0.0, 1.0));
    AddOption(app, "--SuperGlue.views_per_photo", features_.views_per_photo, "cached warps of each photo");
    AddOption(app, "--SuperGlue.scenes_per_photo", features_.scenes_per_photo,
              "cached scenes of textured planes beside them");
    app.add_flag("--resume", resume_, "go on with fine-tuning where it was stopped");
  }

  void CheckMethod() {
    const bool prunes = method_ == "magnitude" || method_ == "2:4" || method_ == "channel";
    if (method_.empty())
      method_ = task_ == "prune" ? "magnitude" : "linear";
    else if (prunes != (task_ == "prune"))
      throw UsageError("compress " + task_ + ": --method " + method_ + " is of the other task");
    if (codebook_ == "shared" && (method_ != "kmeans" || !sensitivity_.empty()))
      throw UsageError("compress " + task_ +
                       ": --codebook shared is of --method kmeans, with the same --bits for all tensors (no "
                       "--sensitivity)");
    if (!sensitivity_.empty()) limits_ = ReadSensitivity(sensitivity_, tolerance_ / 100);
  }

  // What this run asks of each tensor, on top of zeros that are there.
  WeightConstraint ConstraintOf(const torch::nn::Module& network, const std::string& prefix) const {
    WeightConstraint constraint;
    std::map<std::string, torch::Tensor> together;
    const auto parameters = network.named_parameters();
    for (const std::string& name : CompressibleTensors(network)) {
      const torch::Tensor weight = parameters[name].detach();
      if (weight.numel() < kLeastValues) continue;
      if (const auto mask = MaskOf(prefix + name, weight); mask.defined()) constraint.Mask(name, mask);
      if (method_ == "kmeans" && codebook_ == "shared") together[name] = weight;
      if (method_ == "kmeans" && codebook_ == "tensor")
        constraint.Cluster(name, weight, Limit(limits_.bits, prefix + name, bits_));
      if (method_ == "linear") constraint.Integers(name, bits_);
    }
    constraint.ClusterTogether(together, bits_);
    return constraint;
  }

  torch::Tensor MaskOf(const std::string& name, const torch::Tensor& weight) const {
    if (method_ == "magnitude") return MagnitudeMask(weight, Limit(limits_.sparsity, name, sparsity_));
    if (method_ == "2:4") return TwoOfFourMask(weight);
    const auto kept = (weight != 0).to(torch::kFloat);
    return kept.mean().item<double>() < 1 - kPrunedShare ? kept : torch::Tensor();
  }

  template <typename T>
  static T Limit(const std::map<std::string, T>& limits, const std::string& name, T otherwise) {
    const auto found = limits.find(name);
    return found == limits.end() ? otherwise : found->second;
  }

  std::string MethodText() const {
    if (method_ == "channel") return "channels pruned";
    if (method_ == "2:4") return "2:4 pruned";
    if (method_ == "magnitude")
      return "pruned by magnitude, " + (limits_.sparsity.empty() ? "sparsity " + Number(sparsity_)
                                                                 : "sparsities by sensitivity, tolerance " +
                                                                       Number(tolerance_) + " points");
    const std::string shared = codebook_ == "shared" ? " with one codebook" : "";
    return method_ + shared +
           (limits_.bits.empty() || method_ != "kmeans"
                ? ", " + std::to_string(bits_) + " bits"
                : ", bits by sensitivity, tolerance " + Number(tolerance_) + " points");
  }

  Metadata Card(Metadata card, const std::string& sha256) const {
    std::string text = MethodText();
    if (num_steps_ > 0) text += ", " + std::to_string(num_steps_) + " steps of fine-tuning";
    const auto before = card.find("compression");
    card["compression"] = before == card.end() ? text : before->second + "; " + text;
    card["compressed_from_sha256"] = sha256;
    card.erase("exported_from_sha256");
    return card;
  }

  TrainLoopOptions Loop(const char* run, const std::string& sha256, const CommonOptions& common) const {
    TrainLoopOptions loop;
    loop.run_folder = Path(run);
    loop.resume = resume_ && fs::exists(fs::path(loop.run_folder) / "checkpoint.pt");
    loop.initial_sha256 = sha256;
    loop.schedule.num_steps = num_steps_;
    loop.schedule.learning_rate = learning_rate_;
    loop.schedule.warmup_steps = std::min<int64_t>(20, num_steps_ / 4);
    loop.log_every = 10;
    loop.checkpoint_every = 100;
    loop.validate_every = std::max<int64_t>(1, num_steps_ / 3);
    ChooseMachine(common, num_workers_, loop);
    return loop;
  }

  // Hooks under a progress bar, which must live as long as they do.
  static TrainHooks Hooks(ProgressBar& bar, const CommonOptions& common) {
    TrainHooks hooks;
    hooks.stop = &StopRequested();
    hooks.report = [&bar, &common](const TrainProgress& p) { ShowProgress(p, bar, common.progress); };
    return hooks;
  }

  template <typename Network>
  void Save(const Network& network, const WeightConstraint& constraint, const Metadata& card,
            const std::string& target, double flops_before, double flops) const {
    const CodedTensors coded = constraint.Codes(*network);
    if constexpr (std::is_same_v<Network, SuperPoint>)
      SaveSuperPoint(network, card, target, StoredType::kFloat16, coded);
    else
      SaveSuperGlue(network, card, target, StoredType::kFloat16, coded);
    std::ostringstream text;
    text.precision(3);
    text << target << ": " << fs::file_size(target) << " bytes, " << flops * 1e-9
         << " GFLOP (before: " << flops_before * 1e-9 << ')';
    LogInfo(text.str());
  }

  void CompressSuperPoint(const std::string& source, const std::string& target, const CommonOptions& common) {
    LoadedSuperPoint dense = LoadSuperPoint(source);
    if (network_ == "superglue") return WriteFileAtomically(target, ReadWholeFile(source));
    SuperPoint network = dense.network;
    if (method_ == "channel") {
      SuperPointArchitecture narrower = network->architecture();
      if (!encoder_widths_.empty()) {
        if (encoder_widths_.size() != narrower.encoder_widths.size())
          throw UsageError("--SuperPoint.encoder_widths: expected four widths, found " +
                           std::to_string(encoder_widths_.size()));
        std::copy(encoder_widths_.begin(), encoder_widths_.end(), narrower.encoder_widths.begin());
      }
      if (head_width_ > 0) narrower.head_width = head_width_;
      network = NarrowSuperPoint(network, narrower);
    }
    const WeightConstraint constraint = ConstraintOf(*network, "superpoint.");
    if (num_steps_ > 0) {
      SuperPointTrainingOptions options;
      options.architecture = network->architecture();
      options.data.patch_width = 224;
      options.data.patch_height = 160;
      options.data.seed = common.random_seed;
      options.loss.detector_weight = 2;
      options.curriculum_share = 0.01;
      options.teacher = dense.network;
      options.teacher_weight = teacher_weight_;
      options.constraint = constraint;
      options.loop = Loop("run_superpoint", dense.sha256, common);
      ProgressBar bar("fine-tuning superpoint", num_steps_, common.progress);
      network = TrainSuperPoint(ReadShards(shards_), options, network, Hooks(bar, common));
      if (StopRequested()) return;
    } else {
      network = FoldBatchNorm(network);
    }
    constraint.Apply(*network);
    Save(network, constraint, Card(dense.metadata, dense.sha256), target,
         SuperPointFlops(dense.network->architecture(), 480, 640),
         SuperPointFlops(network->architecture(), 480, 640));
  }

  void CompressSuperGlue(const std::string& source, const std::string& superpoint_path,
                         const std::string& target, const CommonOptions& common) {
    LoadedSuperGlue dense = LoadSuperGlue(source);
    if (network_ == "superpoint") return WriteFileAtomically(target, ReadWholeFile(source));
    SuperGlue network = FoldBatchNorm(dense.network);
    if (method_ == "channel") {
      network = NarrowSuperGlue(network, narrower_);
    }
    const WeightConstraint constraint = ConstraintOf(*network, "superglue.");
    if (num_steps_ > 0) {
      SuperGlueTrainingOptions options;
      options.architecture = network->architecture();
      options.seed = common.random_seed;
      options.max_keypoints = 400;
      options.deep_supervision = 0;
      options.sinkhorn_iterations = 10;
      options.teacher = dense.network;
      options.teacher_weight = teacher_weight_;
      options.constraint = constraint;
      options.loop = Loop("run_superglue", dense.sha256, common);
      LoadedSuperPoint superpoint = LoadSuperPoint(superpoint_path);
      superpoint.network->to(torch::Device(options.loop.device));
      FeatureSetOptions set = features_;
      set.seed = common.random_seed;
      set.keypoints.keypoint_threshold = 0;
      set.num_workers = options.loop.num_workers;
      set.validation_share = options.validation_share;
      const FeatureSet features =
          LoadOrMakeFeatures(features_path_.empty() ? Path("features.pt") : features_path_, superpoint,
                             ReadShards(shards_), set, "features", common.progress);
      ProgressBar bar("fine-tuning superglue", num_steps_, common.progress);
      network = TrainSuperGlue(features, options, network, Hooks(bar, common));
      if (StopRequested()) return;
    }
    constraint.Apply(*network);
    Save(network, constraint, Card(dense.metadata, dense.sha256), target,
         SuperGlueFlops(dense.network->architecture(), 1024, 1024),
         SuperGlueFlops(network->architecture(), 1024, 1024));
  }

  SensitivityScan scan_;
  SensitivityOptions scan_options_;
  std::string task_, output_, network_ = "both", method_, codebook_ = "tensor", sensitivity_, features_path_;
  double sparsity_ = 0.5, tolerance_ = 0.5, learning_rate_ = 1e-4, teacher_weight_ = 0.5;
  int bits_ = 8, head_width_ = 0, num_workers_ = 0;
  int64_t num_steps_ = -1;
  bool resume_ = false;
  std::vector<int> encoder_widths_;
  NarrowerSuperGlue narrower_;
  std::vector<std::string> shards_;
  FeatureSetOptions features_ = [] {
    FeatureSetOptions options;
    options.views_per_photo = 2;
    return options;
  }();
  SensitivityLimits limits_;
};

}  // namespace

std::unique_ptr<Command> MakeCompressCommand(SensitivityScan scan) {
  return std::make_unique<CompressCommand>(std::move(scan));
}

}  // namespace colmatch
