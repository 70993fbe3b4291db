// `colmatch automatic_reconstructor` and `colmatch demo_scene`.
#include <filesystem>
#include <iostream>

#include "network/atomic_file.h"
#include "network/error.h"
#include "plugin/command_list.h"
#include "plugin/demo_scene.h"
#include "plugin/log.h"
#include "plugin/matching_options.h"
#include "plugin/progress.h"
#include "plugin/reconstruction_pipeline.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

class AutomaticReconstructor : public Command {
 public:
  std::string name() const override { return "automatic_reconstructor"; }
  std::string description() const override {
    return "From photos to a COLMAP model: features, pairs, matches, `colmap mapper`, report";
  }
  std::string examples() const override {
    return "  colmatch automatic_reconstructor --workspace_path out --image_path photos";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--workspace_path", options_.workspace_path,
              "folder for database, model and report; made if missing")
        ->required();
    AddOption(app, "--image_path", image_path_, "folder of photos")->required();
    AddOption(app, "--truth_path", options_.truth_path,
              "true cameras (COLMAP model or *.camera files) to compare with");
    AddOption(app, "--turned_matching", options_.turned,
              "also match photos turned by quarter turns: auto (where some do not join the others), always, "
              "never")
        ->check(CLI::IsMember({"auto", "always", "never"}));
    AddOption(app, "--extraction", options_.run_extraction, "find features");
    AddOption(app, "--matching", options_.run_matching, "match");
    AddOption(app, "--sparse", options_.run_mapper, "run the mapper; 0: stop before it, without a report");
    AddOption(app, "--mapper", options_.mapper, "incremental, hierarchical, global (a `colmap` 4)")
        ->check(CLI::IsMember({"incremental", "hierarchical", "global"}));
    AddOption(
        app, "--data_type", data_type_,
        "individual, video, internet: the mapper's options, as COLMAP has them; all pairs are matched in "
        "each case")
        ->check(CLI::IsMember({"individual", "video", "internet"}));
    extraction_.AddTo(app, false);
    extraction_.AddShortNamesTo(app);
    matching_.AddTo(app, false, true);
    foreign_.Refuse(app, "--dense", {"0", "false", "no", "off"},
                    "stops at the sparse model; `colmap image_undistorter`, `patch_match_stereo` and "
                    "`stereo_fusion` go on from WORKSPACE/sparse/0");
    foreign_.Refuse(app, "--Mapper.ba_backend", {"ceres"}, "the mapper is run with its default, ceres");
    for (const char* name : {"--mesher", "--feature", "--vocab_tree_path"}) foreign_.Ignore(app, name);
  }

  int Run(const CommonOptions& common) override {
    ReconstructionOptions o = options_;
    o.features = extraction_.Resolve();
    foreign_.Tell();
    // COLMAP's ModifyForVideoData, as far as the names are the same in every version.
    if (data_type_ == "video") {
      o.mapper_arguments = {"--Mapper.init_min_tri_angle", "8", "--Mapper.ba_global_points_ratio", "1.4"};
    }
    o.matching = matching_.Resolve();
    o.features.image_path = image_path_;
    o.command_line = "colmatch automatic_reconstructor --workspace_path " + o.workspace_path +
                     " --image_path " + image_path_;
    if (!fs::is_directory(image_path_))
      throw UsageError("--image_path " + image_path_ + ": there is no such folder");
    MakeFolder(o.workspace_path);
    o.features.database_path = o.matching.database_path =
        (fs::path(o.workspace_path) / "database.db").string();
    const ReconstructionResult result = Reconstruct(o, common);
    for (const SkippedInput& input : result.skipped)
      LogWarning("skipped " + input.name + ": " + input.reason);
    if (result.stopped) {
      LogWarning("stopped by a signal; everything up to here is stored, the same command goes on");
      return StopStatus();
    }
    if (!o.run_mapper) return result.skipped.empty() ? 0 : 2;
    std::cout << "report: " << (fs::path(o.workspace_path) / "report.html").string() << '\n'
              << "registered " << result.num_registered << " of " << result.num_images << " images\n";
    return result.skipped.empty() && result.num_registered > 0 ? 0 : 2;
  }

 private:
  std::string image_path_, data_type_ = "individual";
  ForeignOptions foreign_;
  ReconstructionOptions options_;
  ExtractionCommandOptions extraction_;
  MatchingCommandOptions matching_;
};

class DemoSceneCommand : public Command {
 public:
  std::string name() const override { return "demo_scene"; }
  std::string description() const override {
    return "Render a made-up scene with known cameras, to try the program on";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--output_path", output_path_, "gets images/ and the true cameras in gt/")->required();
    AddOption(app, "--num_images", options_.num_images, "photos");
    AddOption(app, "--width", options_.width, "pixels");
    AddOption(app, "--height", options_.height, "pixels");
  }
  int Run(const CommonOptions& common) override {
    options_.seed = common.random_seed + 1;
    ProgressBar bar("rendering", options_.num_images, common.progress);
    RenderDemoScene(options_, output_path_, [&](int done, int) { bar.Update(done); });
    return 0;
  }

 private:
  std::string output_path_;
  DemoSceneOptions options_;
};

}  // namespace

std::unique_ptr<Command> MakeAutomaticReconstructorCommand() {
  return std::make_unique<AutomaticReconstructor>();
}
std::unique_ptr<Command> MakeDemoSceneCommand() { return std::make_unique<DemoSceneCommand>(); }

}  // namespace colmatch
