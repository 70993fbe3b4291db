// `colmatch automatic_reconstructor` and `colmatch demo_scene`.
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "plugin/commands/command_end.h"
#include "plugin/commands/command_list.h"
#include "plugin/commands/reconstruction_options.h"
#include "plugin/demo/demo_scene.h"
#include "plugin/options/options_in_force.h"
#include "plugin/reconstruction/reconstruction_pipeline.h"
#include "plugin/runtime/host.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/progress.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

class AutomaticReconstructor : public Command {
 public:
  std::string name() const override { return "automatic_reconstructor"; }
  std::vector<std::string> precisions() const override { return MatchingPrecisions(); }
  std::string description() const override {
    return "From photos to a COLMAP model: features, pairs, matches, `colmap mapper`, report";
  }
  std::string examples() const override {
    return "  colmatch automatic_reconstructor --workspace_path out --image_path photos";
  }
  void AddOptions(CLI::App& app) override {
    app_ = &app;
    AddOption(app, "--workspace_path", workspace_path_,
              "folder for database, model and report; created if missing")
        ->required();
    AddOption(app, "--image_path", image_path_, "folder of photos")->required();
    AddOption(app, "--truth_path", truth_path_,
              "true cameras (COLMAP model or *.camera files) to compare with");
    options_.AddTo(app);
    options_.AddStagesTo(app);
  }

  int Run(const CommonOptions& common) override {
    if (!fs::is_directory(image_path_))
      throw UsageError("--image_path " + image_path_ + ": there is no such folder");
    MakeFolder(workspace_path_);
    ReconstructionOptions o = options_.Resolve(image_path_, workspace_path_);
    o.truth_path = truth_path_;
    o.command_line = common.command_line;
    o.options_in_force = OptionsInForce(*app_);
    const ReconstructionResult result = Reconstruct(o, common);
    TellSkipped(result.skipped);
    TellHost({{"num_registered", result.num_registered}, {"num_images", result.num_images}});
    if (result.stopped) return StoppedStatus();
    if (!o.run_mapper) return result.skipped.empty() ? 0 : 2;
    if (isatty(STDOUT_FILENO) == 1 && CurrentHost() == nullptr) std::cout << result.terminal_picture;
    std::cout << "report: " << (fs::path(workspace_path_) / "report.html").string() << '\n'
              << "registered " << result.num_registered << " of " << result.num_images << " images\n";
    return result.skipped.empty() && result.num_registered > 0 ? 0 : 2;
  }

 private:
  const CLI::App* app_ = nullptr;
  std::string image_path_, workspace_path_, truth_path_;
  ReconstructionCommandOptions options_;
};

class DemoSceneCommand : public Command {
 public:
  std::string name() const override { return "demo_scene"; }
  bool uses_openmp() const override { return false; }
  std::string description() const override {
    return "Render a made-up scene with known cameras, to try the program on";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--output_path", output_path_,
              "folder to create, with images/ and the true cameras in gt/")
        ->required();
    AddOption(app, "--scene", options_.scene,
              "courtyard: an arc of photos of two facades; building: a ring of photos around one with four "
              "equal sides")
        ->check(CLI::IsMember({"courtyard", "building"}));
    AddOption(app, "--num_images", options_.num_images, "number of photos");
    AddOption(app, "--width", options_.width, "width of the photos, pixels");
    AddOption(app, "--height", options_.height, "height of the photos, pixels");
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
