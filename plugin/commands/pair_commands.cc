// `colmatch sequential_matcher`, `spatial_matcher`, `transitive_matcher` and `matches_importer`: COLMAP's
// other ways to choose pairs, with its names of options.
#include <memory>

#include "plugin/commands/command_end.h"
#include "plugin/commands/command_list.h"
#include "plugin/matching/collection_pairs.h"
#include "plugin/matching/matches_import.h"
#include "plugin/matching/matching_options.h"
#include "plugin/matching/matching_pipeline.h"
#include "plugin/matching/retrieval_pairs.h"
#include "plugin/pairs/sequential_pairs.h"
#include "plugin/pairs/spatial_pairs.h"
#include "plugin/pairs/transitive_pairs.h"
#include "plugin/runtime/log.h"

namespace colmatch {
namespace {

class SequentialMatcherCommand : public Command {
 public:
  std::string name() const override { return "sequential_matcher"; }
  std::vector<std::string> precisions() const override { return MatchingPrecisions(); }
  std::string description() const override {
    return "Match photos with those that follow them by name, as the frames of a video do: name them so that "
           "sorting keeps their order (frame_0009.jpg, frame_0010.jpg)";
  }
  std::string examples() const override {
    return "  colmatch sequential_matcher --database_path db.db\n"
           "  colmatch sequential_matcher --database_path db.db --SequentialMatching.overlap 20 "
           "--SequentialMatching.quadratic_overlap 0";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, sequential_.overlap, SequentialOptions::kOverlap);
    AddOption(app, "--SequentialMatching.quadratic_overlap", sequential_.quadratic_overlap,
              "match each photo also with those 1, 2, 4, ... 2^(overlap - 1) positions later");
    AddOption(app, "--SequentialMatching.expand_rig_images", sequential_.expand_rig_images,
              "match photos of a rig also with all photos of the same and of the following frames");
    AddLoopOptionsTo(app);
    matching_.AddTo(app, true, true);
  }
  int Run(const CommonOptions& common) override {
    sequential_.Validate();
    return FinishMatching(MatchPairs(
        matching_.Resolve(), common, [&](ColmapDatabase& database, const std::vector<Image>& images) {
          return std::make_unique<ListedPairs>(
              loop_detection_ ? FramesAndLoops(database, images, sequential_, loops_, common)
                              : SequentialPairs(images, database.SharedFrames(), sequential_));
        }));
  }

 private:
  void AddLoopOptionsTo(CLI::App& app) {
    AddOption(app, "--SequentialMatching.loop_detection", loop_detection_,
              "match photos also with similar photos anywhere in the sequence, as retrieval_matcher does");
    AddOption(app, "--SequentialMatching.loop_detection_period", loops_.period,
              "interval, in photos, at which loops are searched");
    AddOption(app, "--SequentialMatching.loop_detection_num_images", loops_.num_images,
              "number of most similar photos that such a photo is matched with");
    AddOption(
        app, "--SequentialMatching.loop_detection_max_num_features", loops_.index.max_num_features,
        "maximum number of keypoints that describe a photo for retrieval; the strongest are used; -1: all");
    // Of COLMAP's search trees: the search here is exact, and needs no vocabulary of SIFT.
    for (const char* ignored :
         {"loop_detection_num_nearest_neighbors", "loop_detection_num_checks",
          "loop_detection_num_images_after_verification", "vocab_tree_path", "num_threads"})
      AddOption(app, std::string("--SequentialMatching.") + ignored, ignored_, "")->group(kColmapGroup);
    foreign_.Refuse(
        app, "--SequentialMatching.loop_detection_min_index_distance", {"0"},
        "loops are looked for among all photos, neighbours in the sequence too, which are matched anyway; "
        "leave the option out");
  }

  SequentialOptions sequential_;
  bool loop_detection_ = false;
  LoopDetectionOptions loops_;
  std::string ignored_;
  ForeignOptions foreign_;
  MatchingCommandOptions matching_;
};

class SpatialMatcherCommand : public Command {
 public:
  std::string name() const override { return "spatial_matcher"; }
  bool uses_openmp() const override { return false; }
  std::vector<std::string> precisions() const override { return MatchingPrecisions(); }
  std::string description() const override {
    return "Match photos with those taken near them, by the GPS in their EXIF or the database's pose priors";
  }
  std::string examples() const override {
    return "  colmatch spatial_matcher --database_path db.db\n"
           "  colmatch spatial_matcher --database_path db.db --SpatialMatching.max_distance 30 "
           "--SpatialMatching.min_num_neighbors 5";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(
        app, "--SpatialMatching.is_gps", spatial_.is_gps,
        "positions in files of COLMAP 3.8 are latitude, longitude, altitude; 0: metres. Later files say so "
        "themselves");
    AddOption(app, "--SpatialMatching.ignore_z", spatial_.ignore_z, "ignore altitudes");
    AddOption(app, spatial_.max_num_neighbors, SpatialOptions::kMaxNumNeighbors);
    AddOption(app, spatial_.min_num_neighbors, SpatialOptions::kMinNumNeighbors);
    AddOption(app, spatial_.max_distance, SpatialOptions::kMaxDistance);
    app.add_option("--SpatialMatching.num_threads", ignored_)->group(kColmapGroup);
    matching_.AddTo(app, true, true);
  }
  int Run(const CommonOptions& common) override {
    spatial_.Validate();
    std::vector<ImageWithoutPosition> without;
    MatchingPipelineStats stats = MatchPairs(
        matching_.Resolve(), common, [&](ColmapDatabase& database, const std::vector<Image>& images) {
          return std::make_unique<ListedPairs>(SpatialPairs(database, images, spatial_, without));
        });
    for (auto& [name, reason] : without) stats.skipped.push_back({std::move(name), std::move(reason)});
    return FinishMatching(stats);
  }

 private:
  SpatialOptions spatial_;
  std::string ignored_;
  MatchingCommandOptions matching_;
};

class TransitiveMatcherCommand : public Command {
 public:
  std::string name() const override { return "transitive_matcher"; }
  bool uses_openmp() const override { return false; }
  std::vector<std::string> precisions() const override { return MatchingPrecisions(); }
  std::string description() const override {
    return "Match photos that are both verified with a third: after another matcher, to close triangles";
  }
  std::string examples() const override {
    return "  colmatch sequential_matcher --database_path db.db\n"
           "  colmatch transitive_matcher --database_path db.db";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, transitive_.batch_size, TransitiveOptions::kBatchSize);
    AddOption(app, transitive_.num_iterations, TransitiveOptions::kNumIterations);
    matching_.AddTo(app, true, true);
  }
  int Run(const CommonOptions& common) override {
    transitive_.Validate();
    return FinishMatching(MatchPairs(
        matching_.Resolve(), common, [this](ColmapDatabase& database, const std::vector<Image>& images) {
          auto source = std::make_unique<TransitivePairs>(database, images, transitive_);
          if (source->goes_on()) LogInfo("goes on with a run that was interrupted");
          return source;
        }));
  }

 private:
  TransitiveOptions transitive_;
  MatchingCommandOptions matching_;
};

class MatchesImporterCommand : public Command {
 public:
  std::string name() const override { return "matches_importer"; }
  bool uses_openmp() const override { return false; }
  std::vector<std::string> precisions() const override { return MatchingPrecisions(); }
  std::string description() const override {
    return "Match the pairs of a list (match_type pairs: a line \"NAME1 NAME2\" each), or import matches "
           "from one "
           "(raw, inliers: such a line, a line \"INDEX1 INDEX2\" for each match, an empty line)";
  }
  std::string examples() const override {
    return "  colmatch matches_importer --database_path db.db --match_list_path pairs.txt\n"
           "  colmatch matches_importer --database_path db.db --match_list_path matches.txt --match_type raw";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--match_list_path", import_.match_list_path, "text file in COLMAP's format")->required();
    AddOption(app, "--match_type", import_.match_type,
              "pairs: match and verify them; raw: verify these matches; inliers: take them as verified")
        ->check(CLI::IsMember({"pairs", "raw", "inliers"}));
    AddOption(app, "--ImagePairsMatching.block_size", import_.block_size,
              "match_type pairs: number of pairs in a block");
    matching_.AddTo(app, true, true);
  }
  int Run(const CommonOptions& common) override {
    return FinishMatching(ImportMatches(import_, matching_.Resolve(), common));
  }

 private:
  MatchesImportOptions import_;
  MatchingCommandOptions matching_;
};

}  // namespace

std::unique_ptr<Command> MakeSequentialMatcherCommand() {
  return std::make_unique<SequentialMatcherCommand>();
}

std::unique_ptr<Command> MakeSpatialMatcherCommand() { return std::make_unique<SpatialMatcherCommand>(); }

std::unique_ptr<Command> MakeTransitiveMatcherCommand() {
  return std::make_unique<TransitiveMatcherCommand>();
}

std::unique_ptr<Command> MakeMatchesImporterCommand() { return std::make_unique<MatchesImporterCommand>(); }

}  // namespace colmatch
