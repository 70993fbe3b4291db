// `colmatch feature_extractor`, `exhaustive_matcher`, `geometric_verifier`, with COLMAP's names of commands
// and options, and `rotated_matcher`.
#include <filesystem>

#include "plugin/commands/command_end.h"
#include "plugin/commands/command_list.h"
#include "plugin/extraction/feature_pipeline.h"
#include "plugin/matching/matching_options.h"
#include "plugin/matching/matching_pipeline.h"
#include "plugin/matching/rotated_pipeline.h"
#include "plugin/runtime/log.h"
#include "util/error.h"

namespace colmatch {
namespace {

class FeatureExtractorCommand : public Command {
 public:
  std::string name() const override { return "feature_extractor"; }
  bool uses_openmp() const override { return false; }
  std::vector<std::string> precisions() const override { return {kBf16, kFp16}; }
  std::string description() const override {
    return "Find SuperPoint features in photos, into COLMAP's database";
  }
  std::string examples() const override {
    return "  colmatch feature_extractor --database_path db.db --image_path photos\n"
           "  colmatch feature_extractor --database_path db.db --image_path photos "
           "--ImageReader.single_camera 1";
  }
  void AddOptions(CLI::App& app) override { extraction_.AddTo(app, true); }
  int Run(const CommonOptions& common) override {
    const FeaturePipelineStats stats = ExtractCollection(extraction_.Resolve(), common);
    LogInfo(std::to_string(stats.extracted) + " photos, " + std::to_string(stats.num_keypoints) +
            " keypoints; " + std::to_string(stats.already_there) + " were there already, " +
            std::to_string(stats.skipped.size()) + " skipped");
    TellHost({{"extracted", stats.extracted},
              {"already_there", stats.already_there},
              {"num_keypoints", stats.num_keypoints}});
    return Finish(stats.skipped, stats.stopped);
  }

 private:
  ExtractionCommandOptions extraction_;
};

class MatcherCommand : public Command {
 public:
  using Pipeline = MatchingPipelineStats (*)(const MatchingPipelineOptions&, const CommonOptions&);
  MatcherCommand(std::string name, std::string description, bool matches, Pipeline pipeline)
      : name_(std::move(name)),
        description_(std::move(description)),
        matches_(matches),
        pipeline_(pipeline) {}

  std::string name() const override { return name_; }
  bool uses_openmp() const override { return false; }
  std::vector<std::string> precisions() const override {
    return matches_ ? MatchingPrecisions() : std::vector<std::string>();
  }
  std::string description() const override { return description_; }
  std::string examples() const override { return "  colmatch " + name_ + " --database_path db.db"; }
  void AddOptions(CLI::App& app) override { options_.AddTo(app, true, matches_); }
  int Run(const CommonOptions& common) override {
    const MatchingPipelineStats stats = pipeline_(options_.Resolve(), common);
    return FinishMatching(stats);
  }

 private:
  std::string name_, description_;
  bool matches_;
  Pipeline pipeline_;
  MatchingCommandOptions options_;
};

class RotatedMatcherCommand : public Command {
 public:
  std::string name() const override { return "rotated_matcher"; }
  bool uses_openmp() const override { return false; }
  std::vector<std::string> aliases() const override { return {"turned_matcher"}; }
  std::vector<std::string> precisions() const override { return MatchingPrecisions(); }
  std::string description() const override {
    return "Match photos that were taken with the camera rotated. Run it after exhaustive_matcher: pairs "
           "with "
           "fewer inliers than twice --TwoViewGeometry.min_num_inliers are matched again with the second "
           "photo rotated by 90, 180 and 270 degrees";
  }
  std::string examples() const override {
    return "  colmatch rotated_matcher --database_path db.db --image_path photos";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--image_path", extraction_.options.image_path, "folder of photos")->required();
    extraction_.AddDetectorTo(app);
    matching_.AddTo(app, true, true);
  }
  int Run(const CommonOptions& common) override {
    const MatchingPipelineStats stats = MatchRotated(extraction_.Resolve(), matching_.Resolve(), common);
    LogInfo(std::to_string(stats.matched) + " pairs match better rotated, " + std::to_string(stats.verified) +
            " verified with " + std::to_string(stats.num_inliers) + " inliers of " +
            std::to_string(stats.num_matches) + " matches; " + std::to_string(stats.already_there) +
            " pairs were tried before");
    return Finish(stats.skipped, stats.stopped);
  }

 private:
  ExtractionCommandOptions extraction_;
  MatchingCommandOptions matching_;
};

}  // namespace

std::unique_ptr<Command> MakeRotatedMatcherCommand() { return std::make_unique<RotatedMatcherCommand>(); }

std::unique_ptr<Command> MakeFeatureExtractorCommand() { return std::make_unique<FeatureExtractorCommand>(); }

std::unique_ptr<Command> MakeExhaustiveMatcherCommand() {
  return std::make_unique<MatcherCommand>("exhaustive_matcher",
                                          "Match every pair of photos with SuperGlue and verify it", true,
                                          MatchExhaustively);
}

std::unique_ptr<Command> MakeGeometricVerifierCommand() {
  return std::make_unique<MatcherCommand>(
      "geometric_verifier", "Verify matches that have no two-view geometry yet", false, VerifyMatches);
}

}  // namespace colmatch
