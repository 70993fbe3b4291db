// The run of a compression; see compression_job.h.
#include "plugin/experiments/compression_job.h"

#include <torch/torch.h>

#include <filesystem>
#include <sstream>
#include <utility>

#include "network/batch_norm_folding.h"
#include "network/flops.h"
#include "network/weights.h"
#include "plugin/experiments/cached_features.h"
#include "plugin/experiments/run_folder.h"
#include "plugin/experiments/training_machine.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "plugin/runtime/weights_location.h"
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

class Compression {
 public:
  explicit Compression(CompressionJob job) : job_(std::move(job)) {}

  void Run(const CommonOptions& common) {
    CheckMethod();
    if (job_.num_steps < 0) job_.num_steps = job_.shards.empty() ? 0 : 300;
    if (job_.num_steps > 0 && job_.shards.empty())
      throw UsageError("compress: --num_steps requests fine-tuning, which needs --shards");
    const WeightsPaths paths = ResolveWeights(common.weights);
    MakeFolder(job_.output);
    const std::string superpoint = Path("superpoint.safetensors"), superglue = Path("superglue.safetensors");
    CompressSuperPoint(paths.superpoint, superpoint, common);
    if (!StopRequested()) CompressSuperGlue(paths.superglue, superpoint, superglue, common);
  }

 private:
  std::string Path(const std::string& name) const { return (fs::path(job_.output) / name).string(); }

  void CheckMethod() {
    const bool prunes = job_.method == "magnitude" || job_.method == "2:4" || job_.method == "channel";
    if (job_.method.empty())
      job_.method = job_.task == "prune" ? "magnitude" : "linear";
    else if (prunes != (job_.task == "prune"))
      throw UsageError("compress " + job_.task + ": --method " + job_.method + " is of the other task");
    if (job_.codebook == "shared" && (job_.method != "kmeans" || !job_.sensitivity.empty()))
      throw UsageError("compress " + job_.task +
                       ": --codebook shared is of --method kmeans, with the same --bits for all tensors (no "
                       "--sensitivity)");
    if (!job_.sensitivity.empty()) limits_ = ReadSensitivity(job_.sensitivity, job_.tolerance / 100);
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
      if (job_.method == "kmeans" && job_.codebook == "shared") together[name] = weight;
      if (job_.method == "kmeans" && job_.codebook == "tensor")
        constraint.Cluster(name, weight, Limit(limits_.bits, prefix + name, job_.bits));
      if (job_.method == "linear") constraint.Integers(name, job_.bits);
    }
    constraint.ClusterTogether(together, job_.bits);
    return constraint;
  }

  torch::Tensor MaskOf(const std::string& name, const torch::Tensor& weight) const {
    if (job_.method == "magnitude")
      return MagnitudeMask(weight, Limit(limits_.sparsity, name, job_.sparsity));
    if (job_.method == "2:4") return TwoOfFourMask(weight);
    const auto kept = (weight != 0).to(torch::kFloat);
    return kept.mean().item<double>() < 1 - kPrunedShare ? kept : torch::Tensor();
  }

  template <typename T>
  static T Limit(const std::map<std::string, T>& limits, const std::string& name, T otherwise) {
    const auto found = limits.find(name);
    return found == limits.end() ? otherwise : found->second;
  }

  std::string MethodText() const {
    if (job_.method == "channel") return "channels pruned";
    if (job_.method == "2:4") return "2:4 pruned";
    if (job_.method == "magnitude")
      return "pruned by magnitude, " + (limits_.sparsity.empty() ? "sparsity " + Number(job_.sparsity)
                                                                 : "sparsities by sensitivity, tolerance " +
                                                                       Number(job_.tolerance) + " points");
    const std::string shared = job_.codebook == "shared" ? " with one codebook" : "";
    return job_.method + shared +
           (limits_.bits.empty() || job_.method != "kmeans"
                ? ", " + std::to_string(job_.bits) + " bits"
                : ", bits by sensitivity, tolerance " + Number(job_.tolerance) + " points");
  }

  Metadata Card(Metadata card, const std::string& sha256) const {
    std::string text = MethodText();
    if (job_.num_steps > 0) text += ", " + std::to_string(job_.num_steps) + " steps of fine-tuning";
    const auto before = card.find("compression");
    card["compression"] = before == card.end() ? text : before->second + "; " + text;
    card["compressed_from_sha256"] = sha256;
    card.erase("exported_from_sha256");
    return card;
  }

  TrainLoopOptions Loop(const char* run, const std::string& sha256, const CommonOptions& common) const {
    TrainLoopOptions loop;
    loop.run_folder = Path(run);
    loop.resume = job_.resume && fs::exists(fs::path(loop.run_folder) / "checkpoint.pt");
    loop.initial_sha256 = sha256;
    loop.schedule.num_steps = job_.num_steps;
    loop.schedule.learning_rate = job_.learning_rate;
    loop.schedule.warmup_steps = std::min<int64_t>(20, job_.num_steps / 4);
    loop.log_every = 10;
    loop.checkpoint_every = 100;
    loop.validate_every = std::max<int64_t>(1, job_.num_steps / 3);
    ChooseMachine(common, job_.num_workers, loop);
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
    if (job_.network == "superglue") return WriteFileAtomically(target, ReadWholeFile(source));
    SuperPoint network = dense.network;
    if (job_.method == "channel") {
      SuperPointArchitecture narrower = network->architecture();
      if (!job_.encoder_widths.empty()) {
        if (job_.encoder_widths.size() != narrower.encoder_widths.size())
          throw UsageError("--SuperPoint.encoder_widths: expected four widths, found " +
                           std::to_string(job_.encoder_widths.size()));
        std::copy(job_.encoder_widths.begin(), job_.encoder_widths.end(), narrower.encoder_widths.begin());
      }
      if (job_.head_width > 0) narrower.head_width = job_.head_width;
      network = NarrowSuperPoint(network, narrower);
    }
    const WeightConstraint constraint = ConstraintOf(*network, "superpoint.");
    if (job_.num_steps > 0) {
      SuperPointTrainingOptions options;
      options.architecture = network->architecture();
      options.data.patch_width = 224;
      options.data.patch_height = 160;
      options.data.seed = common.random_seed;
      options.loss.detector_weight = 2;
      options.curriculum_share = 0.01;
      options.teacher = dense.network;
      options.teacher_weight = job_.teacher_weight;
      options.constraint = constraint;
      options.loop = Loop("run_superpoint", dense.sha256, common);
      ProgressBar bar("fine-tuning superpoint", job_.num_steps, common.progress);
      network = TrainSuperPoint(ReadShards(job_.shards), options, network, Hooks(bar, common));
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
    if (job_.network == "superpoint") return WriteFileAtomically(target, ReadWholeFile(source));
    SuperGlue network = FoldBatchNorm(dense.network);
    if (job_.method == "channel") {
      network = NarrowSuperGlue(network, job_.narrower);
    }
    const WeightConstraint constraint = ConstraintOf(*network, "superglue.");
    if (job_.num_steps > 0) {
      SuperGlueTrainingOptions options;
      options.architecture = network->architecture();
      options.seed = common.random_seed;
      options.max_keypoints = 400;
      options.deep_supervision = 0;
      options.sinkhorn_iterations = 10;
      options.teacher = dense.network;
      options.teacher_weight = job_.teacher_weight;
      options.constraint = constraint;
      options.loop = Loop("run_superglue", dense.sha256, common);
      LoadedSuperPoint superpoint = LoadSuperPoint(superpoint_path);
      superpoint.network->to(torch::Device(options.loop.device));
      FeatureSetOptions set = job_.features;
      set.seed = common.random_seed;
      set.keypoints.keypoint_threshold = 0;
      set.num_workers = options.loop.num_workers;
      set.validation_share = options.validation_share;
      const FeatureSet features = LoadOrMakeFeatures(
          job_.features_path.empty() ? Path("features.pt") : job_.features_path, superpoint,
          options.loop.precision, ReadShards(job_.shards), set, "features", common.progress);
      ProgressBar bar("fine-tuning superglue", job_.num_steps, common.progress);
      network = TrainSuperGlue(features, options, network, Hooks(bar, common));
      if (StopRequested()) return;
    }
    constraint.Apply(*network);
    Save(network, constraint, Card(dense.metadata, dense.sha256), target,
         SuperGlueFlops(dense.network->architecture(), 1024, 1024),
         SuperGlueFlops(network->architecture(), 1024, 1024));
  }

  CompressionJob job_;
  SensitivityLimits limits_;
};

}  // namespace

void RunCompression(CompressionJob job, const CommonOptions& common) {
  Compression(std::move(job)).Run(common);
}

}  // namespace colmatch
