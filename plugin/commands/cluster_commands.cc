// `colmatch plan`, `extract_block`, `match_block`, `merge`, `plan_status`: one collection on many machines.
#include <cstdio>
#include <functional>

#include "plugin/cluster/block_pipeline.h"
#include "plugin/cluster/given_options.h"
#include "plugin/cluster/merge_pipeline.h"
#include "plugin/cluster/plan_pipeline.h"
#include "plugin/commands/command_end.h"
#include "plugin/commands/command_list.h"
#include "plugin/matching/collection_pairs.h"
#include "plugin/matching/matches_import.h"
#include "plugin/matching/matching_options.h"
#include "plugin/runtime/log.h"
#include "util/error.h"

namespace colmatch {
namespace {

void AddManifest(CLI::App& app, std::string& path) {
  AddOption(app, "--manifest", path, "manifest.json of colmatch plan, or its folder")->required();
}

class PlanCommand : public Command {
 public:
  std::string name() const override { return "plan"; }
  std::vector<std::string> precisions() const override { return MatchingPrecisions(); }
  std::string description() const override {
    return "Deal the work on a collection into blocks for many machines: with --image_path the extraction of "
           "features, with --database_path the matching of pairs (docs/scale.md)";
  }
  std::string examples() const override {
    return "  colmatch plan --image_path photos --output_path work/features\n"
           "  colmatch plan --database_path db.db --output_path work/matches --pairs exhaustive";
  }
  void AddOptions(CLI::App& app) override {
    app_ = &app;
    AddOption(app, "--output_path", plan_.output_path, "folder of the plan and its shards")->required();
    AddOption(app, "--image_path", image_path_, "folder of photos: plan the extraction of their features");
    AddOption(app, "--image_list_path", image_list_path_, "file with one photo name per line");
    AddOption(app, "--database_path", database_path_, "database: plan the matching of pairs of its images");
    AddOption(app, "--feature_plan_path", plan_.feature_plan_path,
              "plan whose shards hold the database's features; else they are copied out of it");
    AddOption(app, "--pairs", pairs_,
              "how pairs are chosen: exhaustive, sequential, retrieval, auto (exhaustive up to 200 photos, "
              "retrieval beyond), or list")
        ->check(CLI::IsMember({"auto", "exhaustive", "list", "retrieval", "sequential"}));
    AddOption(app, "--match_list_path", match_list_path_,
              "with --pairs list: file with two image names per line");
    AddOption(app, "--num_blocks", plan_.num_blocks,
              "number of blocks, at most " + std::to_string(kMaxBlocks) + "; 0: one per " +
                  std::to_string(kPhotosPerBlock) + " photos or " + std::to_string(kPairsPerBlock) +
                  " pairs");
    extraction_.AddTo(app, false);
    matching_.AddTo(app, false, true);
  }
  int Run(const CommonOptions& common) override {
    if (image_path_.empty() == database_path_.empty())
      throw UsageError("plan needs one of --image_path (features) and --database_path (pairs)");
    const bool features = !image_path_.empty();
    const PlanStats stats = features ? RunFeatures(common) : RunMatches(common);
    if (stats.stopped) return StoppedStatus("there is no plan yet, the same command makes it");
    for (const SkippedInput& input : stats.skipped) LogWarning("skipped " + input.name + ": " + input.reason);
    char loads[32];
    std::snprintf(loads, sizeof(loads), "%.2f", stats.loads_per_image);
    LogInfo(std::to_string(stats.num_items) + (features ? " photos" : " pairs") + " in " +
            std::to_string(stats.num_blocks) + " blocks" +
            (stats.was_there ? "; the plan was there already"
             : features      ? std::string()
                             : ", each image in " + std::string(loads) + " of them; " +
                              std::to_string(stats.already_there) + " pairs were there already"));
    return stats.skipped.empty() ? 0 : 2;
  }

 private:
  PlanStats RunFeatures(const CommonOptions& common) {
    FeaturePipelineOptions options = extraction_.Resolve();
    options.image_path = image_path_;
    options.image_list_path = image_list_path_;
    plan_.given = GivenExtractionOptions(*app_);
    return PlanFeatures(plan_, options, common);
  }
  CollectionPairsOptions PlannedPairs(int block_size) const {
    CollectionPairsOptions pairs;
    pairs.name = pairs_;
    pairs.block_size = block_size;
    pairs.matched_between = false;
    return pairs;
  }
  PlanStats RunMatches(const CommonOptions& common) {
    MatchingPipelineOptions options = matching_.Resolve();
    options.database_path = database_path_;
    plan_.given = GivenMatchingOptions(*app_);
    std::vector<SkippedInput> problems;
    const PairSourceMaker maker = pairs_ == "list"
                                      ? PairsOfList(match_list_path_, ListedPairs::kPairsPerBlock, problems)
                                      : CollectionPairs(PlannedPairs(options.block_size), common);
    PlanStats stats = PlanMatches(plan_, options, common, maker);
    stats.skipped.insert(stats.skipped.end(), problems.begin(), problems.end());
    return stats;
  }

  const CLI::App* app_ = nullptr;
  PlanOptions plan_;
  std::string image_path_, image_list_path_, database_path_, match_list_path_;
  std::string pairs_ = "exhaustive";
  ExtractionCommandOptions extraction_;
  MatchingCommandOptions matching_;
};

class BlockCommand : public Command {
 public:
  using Task = BlockStats (*)(const BlockOptions&, CommonOptions);
  BlockCommand(std::string name, std::string description, PlanKind kind, Task task)
      : name_(std::move(name)), description_(std::move(description)), kind_(kind), task_(task) {}

  std::string name() const override { return name_; }
  bool uses_openmp() const override { return false; }
  std::string description() const override { return description_; }
  std::string examples() const override {
    return "  colmatch " + name_ + " --manifest work/" +
           (kind_ == PlanKind::kFeatures ? "features" : "matches") + " --block 7 --device cuda";
  }
  void AddOptions(CLI::App& app) override {
    app_ = &app;
    AddManifest(app, options_.manifest_path);
    AddOption(app, "--block", options_.block, "number of the block, from 0")->required();
    if (kind_ == PlanKind::kMatches) {
      AddOption(app, "--max_cached_images", options_.max_cached_images,
                "number of images whose features stay in memory, 2 MB each at 2048 keypoints", {1});
    }
  }
  int Run(const CommonOptions& common) override {
    if (app_->get_option("--weights")->count() > 0) options_.weights = common.weights;
    const BlockStats stats = task_(options_, common);
    const std::string block = "block " + std::to_string(options_.block);
    if (stats.stopped) return StoppedStatus(block + " is not stored, the same command does it again");
    if (stats.was_there) {
      LogInfo(block + " was there already");
      return 0;
    }
    LogInfo(block + ": " +
            (kind_ == PlanKind::kFeatures
                 ? std::to_string(stats.num_items) + " photos, " + std::to_string(stats.num_keypoints) +
                       " keypoints; " + std::to_string(stats.num_unusable) + " photos cannot be used"
                 : std::to_string(stats.num_items) + " pairs, " + std::to_string(stats.num_verified) +
                       " verified of " + std::to_string(stats.num_matches) + " matches"));
    return 0;  // also with bad photos: the block is done, merge names them and says 2
  }

 private:
  std::string name_, description_;
  PlanKind kind_;
  Task task_;
  const CLI::App* app_ = nullptr;
  BlockOptions options_;
};

class MergeCommand : public Command {
 public:
  std::string name() const override { return "merge"; }
  bool uses_openmp() const override { return false; }
  std::string description() const override {
    return "Put the shards of a plan into the database; may be repeated";
  }
  std::string examples() const override {
    return "  colmatch merge --manifest work/matches --database_path db.db";
  }
  void AddOptions(CLI::App& app) override {
    AddManifest(app, options_.manifest_path);
    AddOption(app, "--database_path", options_.database_path,
              "COLMAP database; created if missing when features are merged")
        ->required();
    AddOption(app, "--partial", options_.partial,
              "merge the blocks that are done even if others are missing");
    AddOption(app, "--descriptors", options_.descriptors,
              "1: write descriptors to the database; 0: leave them, nine tenths of a database, in the "
              "shards, where colmatch plan --feature_plan_path finds them; COLMAP's mapper needs none");
  }
  int Run(const CommonOptions& common) override {
    const MergeStats stats = Merge(options_, common);
    for (const SkippedInput& input : stats.skipped) LogWarning("skipped " + input.name + ": " + input.reason);
    if (stats.of_others > 0) {
      LogWarning(std::to_string(stats.of_others) +
                 " pairs were matched by another program and are left as they are");
    }
    if (!stats.state.IsWhole()) LogWarning(stats.state.Describe());
    LogInfo(std::to_string(stats.merged) + " merged, " + std::to_string(stats.already_there) +
            " were there already, " + std::to_string(stats.skipped.size()) + " skipped");
    if (stats.stopped) return StoppedStatus("what was merged is stored, the same command goes on");
    return stats.skipped.empty() && stats.state.IsWhole() ? 0 : 2;
  }

 private:
  MergeOptions options_;
};

class PlanStatusCommand : public Command {
 public:
  std::string name() const override { return "plan_status"; }
  bool uses_openmp() const override { return false; }
  std::string description() const override {
    return "Say which blocks of a plan are done, and name the others";
  }
  std::string examples() const override {
    return "  colmatch plan_status --manifest work/matches\n"
           "  sbatch --array=$(colmatch plan_status --manifest work/matches --list 1) job.sh";
  }
  void AddOptions(CLI::App& app) override {
    AddManifest(app, path_);
    AddOption(app, "--list", list_,
              "print only the numbers of the blocks that are not done, as sbatch --array takes them");
  }
  int Run(const CommonOptions&) override {
    const PlanState state = StateOfPlan(ReadManifest(path_), false);
    std::vector<int> todo = state.missing;
    todo.insert(todo.end(), state.damaged.begin(), state.damaged.end());
    todo.insert(todo.end(), state.foreign.begin(), state.foreign.end());
    std::sort(todo.begin(), todo.end());
    std::printf("%s\n", list_ ? Ranges(todo).c_str() : state.Describe().c_str());
    return list_ || todo.empty() ? 0 : 2;
  }

 private:
  std::string path_;
  bool list_ = false;
};

}  // namespace

std::unique_ptr<Command> MakePlanCommand() { return std::make_unique<PlanCommand>(); }

std::unique_ptr<Command> MakeExtractBlockCommand() {
  return std::make_unique<BlockCommand>("extract_block",
                                        "Find the features of one block of photos of a plan, into its shard",
                                        PlanKind::kFeatures, ExtractBlock);
}

std::unique_ptr<Command> MakeMatchBlockCommand() {
  return std::make_unique<BlockCommand>(
      "match_block", "Match and verify one block of pairs of a plan, into its shard; needs no database",
      PlanKind::kMatches, MatchBlockOfPlan);
}

std::unique_ptr<Command> MakeMergeCommand() { return std::make_unique<MergeCommand>(); }

std::unique_ptr<Command> MakePlanStatusCommand() { return std::make_unique<PlanStatusCommand>(); }

}  // namespace colmatch
