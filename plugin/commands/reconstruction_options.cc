// Options of a reconstruction; see reconstruction_options.h.
#include "plugin/commands/reconstruction_options.h"

namespace colmatch {

void ReconstructionCommandOptions::AddTo(CLI::App& app) {
  AddOption(app, "--turned_matching", options_.turned,
            "also match photos turned by quarter turns: auto (where some do not join the others), always, "
            "never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  AddOption(app, "--data_type", data_type_,
            "individual, video (frames named in their order), internet: pairs and the mapper's options, as "
            "COLMAP has them")
      ->check(CLI::IsMember({"individual", "video", "internet"}));
  AddOption(app, "--pairs", options_.pairs,
            "auto: of video sequential, else exhaustive up to 200 photos and retrieval beyond; or one of "
            "these")
      ->check(CLI::IsMember({"auto", "exhaustive", "sequential", "retrieval"}));
  AddOption(app, "--mapper", options_.mapper, "incremental, hierarchical, global (a `colmap` 4)")
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

void ReconstructionCommandOptions::AddStagesTo(CLI::App& app) {
  AddOption(app, "--extraction", options_.run_extraction, "find features");
  AddOption(app, "--matching", options_.run_matching, "match");
  AddOption(app, "--sparse", options_.run_mapper, "run the mapper; 0: stop before it, without a report");
}

ReconstructionOptions ReconstructionCommandOptions::Resolve(const std::filesystem::path& images,
                                                            const std::filesystem::path& workspace) const {
  ReconstructionOptions o = options_;
  o.workspace_path = workspace.string();
  o.features = extraction_.Resolve();
  foreign_.Tell();
  if (data_type_ == "video") {
    if (o.pairs == "auto") o.pairs = "sequential";
    // COLMAP's ModifyForVideoData, as far as the names are the same in every version.
    o.mapper_arguments = {"--Mapper.init_min_tri_angle", "8", "--Mapper.ba_global_points_ratio", "1.4"};
  }
  o.matching = matching_.Resolve();
  o.features.image_path = images.string();
  o.features.database_path = o.matching.database_path = (workspace / "database.db").string();
  return o;
}

}  // namespace colmatch
