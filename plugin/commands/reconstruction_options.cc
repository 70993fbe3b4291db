// Options of a reconstruction; see reconstruction_options.h.
#include "plugin/commands/reconstruction_options.h"

#include <cmath>

namespace colmatch {

void ReconstructionCommandOptions::AddTo(CLI::App& app) {
  AddOption(
      app, "--rotated_matching,--turned_matching", options_.turned,
      "match pairs also with one photo rotated by 90, 180 and 270 degrees: auto (if some photos are not "
      "connected to the others), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  AddOption(app, "--data_type", data_type_,
            "individual, video (frames named in their order), internet: pairs and the mapper's options, as "
            "COLMAP has them")
      ->check(CLI::IsMember({"individual", "video", "internet"}));
  AddPairsTo(app);
  AddOption(
      app, "--contradicting_pairs", options_.contradicting_pairs,
      "what to do with verified pairs whose cameras are turned as the other pairs do not allow, as of a "
      "building with alike sides: keep, drop (the mapper is not given them); the report names them either "
      "way")
      ->check(CLI::IsMember({"keep", "drop"}));
  AddOption(
      app, "--mapper", options_.mapper,
      "incremental, hierarchical (large collections), global (COLMAP 4): run by the `colmap` found, or by "
      "pycolmap of python3 where that lacks it")
      ->check(CLI::IsMember({"incremental", "hierarchical", "global"}));
  extraction_.AddTo(app, false);
  extraction_.AddShortNamesTo(app);
  matching_.AddTo(app, false, true);
  foreign_.Refuse(app, "--dense", {"0", "false", "no", "off"},
                  "stops at the sparse model; `colmap image_undistorter`, `patch_match_stereo` and "
                  "`stereo_fusion` go on from WORKSPACE/sparse/0");
  foreign_.Refuse(app, "--Mapper.ba_backend", {"ceres"}, "the mapper is run with its default, ceres");
  for (const char* name : {"--mesher", "--feature", "--vocab_tree_path"}) foreign_.Ignore(app, name);
}

void ReconstructionCommandOptions::AddPairsTo(CLI::App& app) {
  CollectionPairsOptions& pairs = options_.pairs;
  AddOption(
      app, "--pairs", pairs.name,
      "auto: of video sequential, else exhaustive below GraphMatching.min_num_images photos and graph from "
      "there on; graph: photos that look alike, then the neighbours of verified pairs; or one of these")
      ->check(CLI::IsMember({"auto", "exhaustive", "sequential", "retrieval", "graph"}));
  AddOption(app, pairs.min_num_images, CollectionPairsOptions::kMinNumImages);
  num_similar_ = AddOption(app, pairs.growth.num_similar, PairGrowthOptions::kNumSimilar);
  num_neighbors_ = AddOption(app, pairs.growth.num_neighbors, PairGrowthOptions::kNumNeighbors);
  AddOption(app, pairs.growth.num_rounds, PairGrowthOptions::kNumRounds);
}

void ReconstructionCommandOptions::AddStagesTo(CLI::App& app) {
  AddOption(app, "--extraction", options_.run_extraction, "extract features; 0: use those in the database");
  AddOption(app, "--matching", options_.run_matching, "match photos; 0: use the matches in the database");
  AddOption(app, "--sparse", options_.run_mapper, "run the mapper; 0: stop before it and write no report");
}

ReconstructionOptions ReconstructionCommandOptions::Resolve(const std::filesystem::path& images,
                                                            const std::filesystem::path& workspace) const {
  ReconstructionOptions o = options_;
  o.workspace_path = workspace.string();
  o.features = extraction_.Resolve();
  foreign_.Tell();
  if (data_type_ == "video") {
    if (o.pairs.name == "auto") o.pairs.name = "sequential";
    // COLMAP's ModifyForVideoData, as far as the names are the same in every version.
    o.mapper_arguments = {"--Mapper.init_min_tri_angle", "8", "--Mapper.ba_global_points_ratio", "1.4"};
  }
  o.matching = matching_.Resolve();
  o.pairs.block_size = o.matching.block_size;
  const auto share = [&](const CLI::Option* option, int& value) {
    if (option->count() == 0) value = static_cast<int>(std::lround(value * extraction_.ShareOfPairs()));
  };
  share(num_similar_, o.pairs.growth.num_similar);
  share(num_neighbors_, o.pairs.growth.num_neighbors);
  o.pairs.Validate();
  o.features.image_path = images.string();
  o.features.database_path = o.matching.database_path = (workspace / "database.db").string();
  return o;
}

}  // namespace colmatch
