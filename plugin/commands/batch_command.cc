// `colmatch batch_reconstructor`: every sub-folder is a collection and goes through the path of
// automatic_reconstructor; what is finished is not done again, and a failed one does not stop the rest.
#include <c10/util/Exception.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <set>

#include "matcher/devices.h"
#include "plugin/commands/command_end.h"
#include "plugin/commands/command_list.h"
#include "plugin/commands/reconstruction_options.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/options/options_in_force.h"
#include "plugin/photos/image_reader.h"
#include "plugin/reconstruction/batch_report.h"
#include "plugin/reconstruction/mapper_program.h"
#include "plugin/reconstruction/reconstruction_pipeline.h"
#include "plugin/report/report_html.h"
#include "plugin/runtime/handover.h"
#include "plugin/runtime/host.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/progress_stage.h"
#include "plugin/runtime/stopwatch.h"
#include "plugin/runtime/weights_location.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// Options that do not change what comes out.
const std::set<std::string> kNotInputs = {"workspace_path", "collections_path", "weights",   "device",
                                          "num_threads",    "progress",         "log_level", "busy_timeout",
                                          "num_parallel",   "collection"};

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

// Time by photos: what is left will take as long a photo as what was done.
class BatchClock {
 public:
  void Finished(int num_photos) { photos_ += num_photos; }
  double SecondsFor(int num_photos) const {
    return photos_ > 0 ? watch_.Seconds() / photos_ * num_photos : 0;
  }

 private:
  Stopwatch watch_;
  int photos_ = 0;
};

size_t NumPhotos(const Collection& collection) {
  try {
    return ListImages(collection.images).size();
  } catch (const UsageError&) {  // an empty one, which is named when its turn comes
    return 0;
  }
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
    AddOption(app, "--workspace_path", workspace_path_, "folder for all results; created if missing")
        ->required();
    AddOption(app, "--collections_path", collections_path_, "folder with one sub-folder for each collection")
        ->required();
    AddOption(app, "--num_parallel", num_parallel_,
              "number of collections at a time, which share the cores; 0: one per four cores, one on a GPU");
    app.add_option("--collection", only_)
        ->group("");  // of a child: this collection alone, without the summary
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
    if (!only_.empty()) return DoOnly(collections, common);
    const int parallel = std::min(NumParallel(common), static_cast<int>(collections.size()));
    parallel > 1 ? DoSideBySide(collections, parallel, common) : DoOneByOne(collections, common);
    WriteBatchSummary(summary_, workspace_path_);
    return Finish();
  }

 private:
  void DoOneByOne(const std::vector<Collection>& collections, const CommonOptions& common) {
    const std::vector<int> num_photos = NumPhotosOf(collections);
    for (size_t i = 0; i < collections.size() && !StopRequested(); ++i) {
      LogInfo("collection " + std::to_string(i + 1) + " of " + std::to_string(collections.size()) + ": " +
              collections[i].name);
      summary_.entries[i].record = Do(collections[i], summary_.entries[i].record, common);
      summary_.entries[i].graph = ReadGraph(FolderOf(collections[i]));
      clock_.Finished(summary_.entries[i].record.num_images);
      TellTimeLeft(num_photos, i + 1);
      if (i + 1 < collections.size()) TryToWriteSummary();
    }
  }

  // Each in a process of its own: threads, signals and a crash of one stay its own.
  void DoSideBySide(const std::vector<Collection>& collections, int parallel, const CommonOptions& common) {
    const int threads = std::max(1, NumWorkers(common) / parallel);
    LogInfo(std::to_string(collections.size()) + " collections, " + std::to_string(parallel) +
            " at a time with " + std::to_string(threads) + (threads == 1 ? " core each" : " cores each"));
    std::vector<std::vector<std::string>> commands;
    std::vector<std::string> logs;
    for (const Collection& c : collections) {
      commands.push_back(ChildCommand(c.name, threads));
      MakeFolder(fs::path(workspace_path_) / "logs");
      logs.push_back((fs::path(workspace_path_) / "logs" / (c.name + ".log")).string());
    }
    size_t ended = 0;
    RunSideBySide(commands, logs, parallel, [&](size_t i, int status) {
      BatchEntry& entry = summary_.entries[i];
      entry = {collections[i].name, ReadRecord(FolderOf(collections[i])),
               ReadGraph(FolderOf(collections[i]))};
      if (entry.record.state == CollectionState::kStarted && !StopRequested()) {
        entry.record.state = CollectionState::kFailed;
        entry.record.reason =
            "its process ended with status " + std::to_string(status) + "; what it said is in " + logs[i];
        TryToWrite(entry.record, collections[i]);
      }
      LogInfo(std::to_string(++ended) + " of " + std::to_string(collections.size()) +
              " done: " + collections[i].name + ", " + std::to_string(entry.record.num_registered) + " of " +
              std::to_string(entry.record.num_images) + " images");
      clock_.Finished(entry.record.num_images);
      TryToWriteSummary();
    });
  }

  int DoOnly(const std::vector<Collection>& collections, const CommonOptions& common) {
    for (const Collection& c : collections) {
      if (c.name == only_) Do(c, ReadRecord(FolderOf(c)), common);
    }
    return StopRequested() ? StoppedStatus() : 0;
  }

  std::vector<std::string> ChildCommand(const std::string& collection, int threads) const {
    std::vector<std::string> command = {"/proc/self/exe", name()};
    for (const CLI::Option* option : app_->get_options()) {
      if (option->count() == 0 || option->get_lnames().empty()) continue;
      const std::string& long_name = option->get_lnames().front();
      if (long_name == "num_threads" || long_name == "progress" || long_name == "num_parallel") continue;
      for (const std::string& value : option->results())
        command.insert(command.end(), {"--" + long_name, value});
    }
    command.insert(command.end(), {"--collection", collection, "--num_threads", std::to_string(threads),
                                   "--progress", "off"});
    return command;
  }

  // Inside another program (Python's module) there is no program to start.
  int NumParallel(const CommonOptions& common) const {
    if (num_parallel_ < 0)
      throw UsageError("--num_parallel must be at least 0, found " + std::to_string(num_parallel_));
    if (CurrentHost() != nullptr) return 1;
    if (num_parallel_ > 0) return num_parallel_;
    constexpr int kCoresForOne = 4;  // the mapper does not fill more for long
    return DevicesFromName(common.device).front().is_cpu() ? std::max(1, NumWorkers(common) / kCoresForOne)
                                                           : 1;
  }

  // By the records of earlier runs where there are any, else by the folders.
  std::vector<int> NumPhotosOf(const std::vector<Collection>& collections) const {
    std::vector<int> counts;
    for (size_t i = 0; i < collections.size(); ++i) {
      const int known = summary_.entries[i].record.num_images;
      counts.push_back(known > 0 ? known : static_cast<int>(NumPhotos(collections[i])));
    }
    return counts;
  }

  void TellTimeLeft(const std::vector<int>& num_photos, size_t next) const {
    const int photos =
        std::accumulate(num_photos.begin() + static_cast<std::ptrdiff_t>(next), num_photos.end(), 0);
    if (photos > 0 && !StopRequested())
      LogInfo("about " + DurationText(clock_.SecondsFor(photos)) + " left for " + std::to_string(photos) +
              " photos in " + std::to_string(num_photos.size() - next) + " collections");
  }

  fs::path FolderOf(const Collection& collection) const {
    return fs::path(workspace_path_) / collection.name;
  }

  // What would fail in every collection fails before the first.
  void CheckOnce(const CommonOptions& common) {
    const ReconstructionOptions o = options_.Resolve("", workspace_path_);
    FindMapper(o.mapper);
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

    const Stopwatch watch;
    ReconstructionOptions o = options_.Resolve(collection.images, folder);
    o.truth_path = collection.truth.string();
    o.command_line = summary_.command_line;
    o.options_in_force = OptionsInForce(*app_);
    const ReconstructionResult result = Reconstruct(o, common);
    if (result.stopped) return record;
    record = RecordOf(result, record.inputs, watch.Seconds());
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
  std::string workspace_path_, collections_path_, option_text_, only_;
  int num_parallel_ = 0;
  BatchClock clock_;
  ReconstructionCommandOptions options_;
  BatchSummary summary_;
};

}  // namespace

std::unique_ptr<Command> MakeBatchReconstructorCommand() { return std::make_unique<BatchReconstructor>(); }

}  // namespace colmatch
