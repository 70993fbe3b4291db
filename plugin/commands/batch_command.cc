// `colmatch batch_reconstructor`: every sub-folder is a collection and goes through the path of
// automatic_reconstructor; what is finished is not done again, and a failed one does not stop the rest.
#include <c10/util/Exception.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>

#include "matcher/devices.h"
#include "plugin/commands/command_end.h"
#include "plugin/commands/command_list.h"
#include "plugin/commands/reconstruction_options.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/options/options_in_force.h"
#include "plugin/reconstruction/batch_report.h"
#include "plugin/report/report_html.h"
#include "plugin/runtime/colmap_program.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/weights_location.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// Options that do not change what comes out.
const std::set<std::string> kNotInputs = {"workspace_path", "collections_path", "weights",   "device",
                                          "num_threads",    "progress",         "log_level", "busy_timeout"};

// So that "true" and "1", "0.20" and "0.2" are the same option.
std::string Normalized(const std::string& value) {
  if (value == "true" || value == "on" || value == "yes") return "1";
  if (value == "false" || value == "off" || value == "no") return "0";
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  if (value.empty() || *end != '\0') return value;
  char text[32];
  std::snprintf(text, sizeof(text), "%.17g", number);
  return text;
}

// Every option of the table with its value, so that none can be forgotten.
std::string OptionText(const CLI::App& app) {
  std::string text;
  for (const auto& [name, value] : OptionsInForce(app)) {
    if (kNotInputs.count(name) == 0) text += name + "=" + Normalized(value) + "\n";
  }
  return text;
}

CollectionRecord RecordOf(const ReconstructionResult& result, const CollectionInputs& inputs,
                          double seconds) {
  CollectionRecord record;
  record.state = CollectionState::kDone;
  record.inputs = inputs;
  record.num_images = result.num_images;
  record.num_registered = result.num_registered;
  record.num_models = static_cast<int>(result.models.size());
  record.num_pairs = result.num_pairs;
  record.num_verified_pairs = result.num_verified_pairs;
  if (!result.models.empty()) {
    record.num_points = result.models[0].num_points;
    record.reprojection_error_px = result.models[0].mean_reprojection_error_px;
  }
  record.seconds = seconds;
  for (const SkippedInput& s : result.skipped) record.skipped.push_back({s.name, s.reason});
  record.reason = result.failure;
  record.advice = result.advice;
  return record;
}

class BatchReconstructor : public Command {
 public:
  std::string name() const override { return "batch_reconstructor"; }
  std::vector<std::string> precisions() const override { return MatchingPrecisions(); }
  std::string description() const override {
    return "From a folder of collections to a COLMAP model each, with one summary page; goes on where it was "
           "stopped";
  }
  std::string examples() const override {
    return "  colmatch batch_reconstructor --workspace_path out --collections_path collections\n\n"
           "A sub-folder of collections is a folder of photos, or has them in images/ and, if they are "
           "known, "
           "the true\ncameras in gt/. out/NAME gets what automatic_reconstructor writes, out/index.html and "
           "out/summary.json the\nsummary. What is finished is not done again unless options or photos "
           "changed; results that no longer hold\nare renamed to NAME.old1, never deleted.";
  }
  void AddOptions(CLI::App& app) override {
    app_ = &app;
    AddOption(app, "--workspace_path", workspace_path_, "folder for all results; made if missing")
        ->required();
    AddOption(app, "--collections_path", collections_path_, "folder with a sub-folder a collection")
        ->required();
    options_.AddTo(app);
  }

  int Run(const CommonOptions& common) override {
    CheckOnce(common);
    std::vector<Collection> collections = FindCollections(collections_path_, workspace_path_);
    MakeFolder(workspace_path_);
    summary_ = {
        fs::path(collections_path_).lexically_normal().string(), common.command_line, ReportDate(), {}};
    for (const Collection& c : collections)
      summary_.entries.push_back({c.name, ReadRecord(FolderOf(c)), ReadGraph(FolderOf(c))});
    for (size_t i = 0; i < collections.size() && !StopRequested(); ++i) {
      LogInfo("collection " + std::to_string(i + 1) + " of " + std::to_string(collections.size()) + ": " +
              collections[i].name);
      summary_.entries[i].record = Do(collections[i], summary_.entries[i].record, common);
      summary_.entries[i].graph = ReadGraph(FolderOf(collections[i]));
      if (i + 1 < collections.size()) TryToWriteSummary();
    }
    WriteBatchSummary(summary_, workspace_path_);
    return Finish();
  }

 private:
  fs::path FolderOf(const Collection& collection) const {
    return fs::path(workspace_path_) / collection.name;
  }

  // What would fail in every collection fails before the first.
  void CheckOnce(const CommonOptions& common) {
    RequireColmap();
    const ReconstructionOptions o = options_.Resolve("", workspace_path_);
    o.features.camera.Validate();
    o.features.keypoints.Validate();
    o.matching.geometry.Validate();
    UsedWeights superglue;
    MatcherParts(o.matching, common, superglue).On(DevicesFromName(common.device).front());
    const std::string superpoint = LoadSuperPoint(ResolveWeights(common.weights).superpoint).sha256;
    option_text_ = OptionText(*app_) + "superpoint=" + superpoint + "\nsuperglue=" + superglue.sha256 + "\n";
  }

  // The collection's new record. Whatever goes wrong is in it; after a signal it is still begun.
  CollectionRecord Do(const Collection& collection, const CollectionRecord& before,
                      const CommonOptions& common) {
    CollectionRecord record = before;
    const auto failed = [&](const std::string& reason) {
      if (StopRequested()) return record;
      LogWarning(collection.name + ": " + reason);
      record.state = CollectionState::kFailed;
      record.reason = reason;
      TryToWrite(record, collection);
      return record;
    };
    try {
      return DoOrThrow(collection, before, common, record);
    } catch (const c10::Error& error) {
      return failed(std::string("LibTorch: ") + error.what_without_backtrace());
    } catch (const std::exception& error) {
      return failed(error.what());
    }
  }

  CollectionRecord DoOrThrow(const Collection& collection, const CollectionRecord& before,
                             const CommonOptions& common, CollectionRecord& record) {
    const fs::path folder = FolderOf(collection);
    record = {};
    record.inputs = ReadInputs(collection, option_text_);
    const NextStep step = Decide(before, record.inputs);
    if (step == NextStep::kNothing) {
      LogInfo(collection.name + " was finished before; nothing has changed since");
      return before;
    }
    if (step == NextStep::kStartNew && fs::exists(folder)) {
      LogInfo(collection.name + ": options or photos changed; the earlier results are now in " +
              MoveAside(folder).string());
    }
    record.num_images = static_cast<int>(record.inputs.photos.size());
    record.state = CollectionState::kStarted;
    WriteRecord(record, folder);

    const auto start = std::chrono::steady_clock::now();
    ReconstructionOptions o = options_.Resolve(collection.images, folder);
    o.truth_path = collection.truth.string();
    o.command_line = summary_.command_line;
    o.options_in_force = OptionsInForce(*app_);
    const ReconstructionResult result = Reconstruct(o, common);
    if (result.stopped) return record;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    record = RecordOf(result, record.inputs, seconds);
    WriteRecord(record, folder);
    for (const SkippedInput& input : result.skipped)
      LogWarning("skipped " + input.name + ": " + input.reason);
    if (!result.failure.empty()) LogWarning(collection.name + ": " + result.failure);
    return record;
  }

  // Where the disk is full or the folder is in the way, the others still have a chance; the summary's last
  // writing reports it.
  void TryToWrite(const CollectionRecord& record, const Collection& collection) const {
    try {
      WriteRecord(record, FolderOf(collection));
    } catch (const std::exception& error) {
      LogWarning(error.what());
    }
  }
  void TryToWriteSummary() const {
    try {
      WriteBatchSummary(summary_, workspace_path_);
    } catch (const std::exception& error) {
      LogWarning(error.what());
    }
  }

  int Finish() const {
    std::cout << "summary: " << (fs::path(workspace_path_) / "index.html").string() << '\n';
    if (StopRequested()) return StoppedStatus();
    size_t reconstructed = 0;
    bool skipped = false;
    for (const BatchEntry& entry : summary_.entries) {
      reconstructed += !HasFailed(entry.record);
      skipped |= !entry.record.skipped.empty();
    }
    std::cout << "reconstructed " << reconstructed << " of " << summary_.entries.size() << " collections\n";
    return reconstructed == summary_.entries.size() && !skipped ? 0 : 2;
  }

  CLI::App* app_ = nullptr;
  std::string workspace_path_, collections_path_, option_text_;
  ReconstructionCommandOptions options_;
  BatchSummary summary_;
};

}  // namespace

std::unique_ptr<Command> MakeBatchReconstructorCommand() { return std::make_unique<BatchReconstructor>(); }

}  // namespace colmatch
