// `colmatch evaluate`: the protocols the field measures features and matchers with.
#include "matcher/devices.h"
#include "network/architecture.h"
#include "plugin/commands/command_list.h"
#include "plugin/experiments/evaluation_protocols.h"
#include "plugin/options/network_options.h"
#include "plugin/runtime/log.h"
#include "util/error.h"

namespace colmatch {
namespace {

// Keypoint and matching options as a protocol's own code has them.
struct ProtocolDefaults {
  int max_num_features = 512;
  double keypoint_threshold = 0.005;
  int nms_radius = 4;
  int sinkhorn_iterations = 0;  // 0: as many as the weights specify, 100 where they do not say
};

class EvaluateCommand : public Command {
 public:
  std::string name() const override { return "evaluate"; }
  std::vector<std::string> precisions() const override { return MatchingPrecisions(); }
  std::string description() const override {
    return "Measure features and matches by the protocols of the literature, beside nearest neighbours and "
           "SIFT, with "
           "95 % intervals";
  }
  std::string examples() const override {
    return "  colmatch evaluate homography --image_path heldout_photos --output results/homography\n"
           "  colmatch evaluate homography --image_path PAIRS/images --pairs PAIRS/pairs.json --output "
           "results/pairs\n"
           "  colmatch evaluate homography --protocol legacy --image_path photos --output results/legacy\n"
           "  colmatch evaluate hpatches --image_path hpatches-sequences-release --output results/hpatches\n"
           "  colmatch evaluate rotation --image_path heldout_photos --output results/rotation\n"
           "  colmatch evaluate pose --image_path scannet --pairs_path pairs_with_gt.txt --output "
           "results/pose";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "task", task_,
              "homography: warps of photos, 512 keypoints; hpatches: sequences with true homographies, 1024; "
              "rotation: photos against themselves turned, 512; "
              "pose: pairs "
              "of calibrated images, 1024")
        ->required()
        ->check(CLI::IsMember({"homography", "hpatches", "rotation", "pose"}));
    AddOption(app, "--image_path", input_.image_path,
              "homography, rotation: photos that no weights were trained on; hpatches: folder of sequences; "
              "pose: the pairs' "
              "images")
        ->required();
    AddOption(
        app, "--pairs_path,--pairs,--input_pairs", input_.pairs_path,
        "pairs made elsewhere. homography: JSON list of `images` and `h` instead of random warps; pose: "
        "list of 38 columns (default: pairs_with_gt.txt by the images); legacy: names and "
        "homographies");
    AddOption(app, "--output", output_, "folder for metrics.json, table.md, pairs.csv and error curves")
        ->required();
    AddOption(app, "--protocol", protocol_,
              "homography: the protocol, superglue (Sarlin 2020) or legacy (that of gouthamvgk's repository, "
              "which flatters)")
        ->check(CLI::IsMember({"superglue", "legacy"}));
    AddOption(app, "--pairs_per_image", input_.pairs_per_image,
              "homography: number of random warps per photo", {1, 1000});
    AddOption(app, "--difficulty", input_.difficulty, "homography: difficulty of the warps, 0 to 1",
              {0.0, 1.0});
    options_.push_back(AddOption(app, "--max_num_features,--SuperPoint.max_num_features",
                                 keypoints_.max_num_features, "keypoints per image; 0: all"));
    options_.push_back(AddOption(app, keypoints_.keypoint_threshold, KeypointOptions::kKeypointThreshold));
    options_.push_back(AddOption(app, keypoints_.nms_radius, KeypointOptions::kNmsRadius));
    options_.push_back(AddOption(app, superglue_.sinkhorn_iterations, SuperGlueOptions::kSinkhornIterations));
    for (CLI::Option* option : options_) option->default_str("the protocol's");
    AddOption(app, keypoints_.refinement_radius, KeypointOptions::kRefinementRadius);
    AddOption(app, keypoints_.place_radius, KeypointOptions::kPlaceRadius, "-1: as the weights specify");
    AddScales(app, keypoints_.scales, "as the weights specify");
    AddOption(app, superglue_.guidance_rounds, SuperGlueOptions::kGuidanceRounds);
    AddOption(app, superglue_.match_threshold, SuperGlueOptions::kMatchThreshold);
  }

  int Run(const CommonOptions& common) override {
    TakeDefaults();
    input_.seed = common.random_seed;
    input_.progress = common.progress;
    input_.num_threads = NumWorkers(common);
    EvaluationMethods methods(common, keypoints_, superglue_);
    EvaluationOutcome outcome = Evaluate(methods);
    for (const SkippedInput& skipped : outcome.skipped) LogWarning("left out " + skipped.reason);
    if (outcome.rows.pairs.empty())
      throw UsageError(input_.image_path + ": no pair of it could be evaluated");
    auto& settings = outcome.report.settings;
    settings["max_num_features"] = std::to_string(keypoints_.max_num_features);
    settings["keypoint_threshold"] = std::to_string(keypoints_.keypoint_threshold);
    settings["nms_radius"] = std::to_string(keypoints_.nms_radius);
    settings["refinement_radius"] = std::to_string(methods.refinement_radius());
    settings["place_radius"] = JoinNumbers({methods.place_radius()});
    settings["scales"] = JoinNumbers(methods.scales());
    const auto asked = [](int value, int least) {
      return value >= least ? std::to_string(value) : "as the weights say";
    };
    settings["sinkhorn_iterations"] = asked(superglue_.sinkhorn_iterations, 1);
    settings["guidance_rounds"] = asked(superglue_.guidance_rounds, 0);
    settings["match_threshold"] = std::to_string(superglue_.match_threshold);
    settings["precision"] = NameOf(PrecisionFromName(common.precision, DeviceFromName(common.device)));
    settings["random_seed"] = std::to_string(common.random_seed);
    settings["superpoint_sha256"] = methods.superpoint_sha256();
    settings["superglue_sha256"] = methods.superglue_sha256();
    WriteEvaluation(output_, outcome.report, outcome.rows);
    if (StopRequested()) return StopStatus();
    return outcome.skipped.empty() ? 0 : 2;
  }

 private:
  void TakeDefaults() {
    ProtocolDefaults defaults;
    if (task_ == "hpatches") defaults = {1024, 0, 3, 0};
    if (task_ == "pose") defaults = {1024, 0.005, 4, 20};
    if (task_ == "homography" && protocol_ == "legacy") defaults = {512, 0, 4, 0};
    if (options_[0]->count() == 0) keypoints_.max_num_features = defaults.max_num_features;
    if (options_[1]->count() == 0) keypoints_.keypoint_threshold = defaults.keypoint_threshold;
    if (options_[2]->count() == 0) keypoints_.nms_radius = defaults.nms_radius;
    if (options_[3]->count() == 0) superglue_.sinkhorn_iterations = defaults.sinkhorn_iterations;
    keypoints_.Validate();
  }

  EvaluationOutcome Evaluate(EvaluationMethods& methods) const {
    if (task_ == "hpatches") return EvaluateSequences(input_, methods);
    if (task_ == "pose") return EvaluatePoses(input_, methods);
    if (task_ == "rotation") return EvaluateRotations(input_, methods);
    return protocol_ == "legacy" ? EvaluateLegacyHomographies(input_, methods)
                                 : EvaluateHomographies(input_, methods);
  }

  std::string task_, protocol_ = "superglue", output_;
  EvaluationInput input_;
  KeypointOptions keypoints_;
  SuperGlueOptions superglue_;
  std::vector<CLI::Option*> options_;  // those whose default is the protocol's
};

}  // namespace

std::unique_ptr<Command> MakeEvaluateCommand() { return std::make_unique<EvaluateCommand>(); }

}  // namespace colmatch
