// Options of a reconstruction; see reconstruction_options.h.
#include "plugin/reconstruction_options.h"

namespace colmatch {

void ReconstructionCommandOptions::AddTo(CLI::App& app) {
  AddOption(app, "--turned_matching", options_.turned,
            "also match photos turned by quarter turns: auto (where some do not join the others), always, "
            "never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  extraction_.AddTo(app, false);
  matching_.AddTo(app, false, true);
}

ReconstructionOptions ReconstructionCommandOptions::Resolve(const std::filesystem::path& images,
                                                            const std::filesystem::path& workspace) const {
  ReconstructionOptions o = options_;
  o.workspace_path = workspace.string();
  o.features = extraction_.Resolve();
  o.matching = matching_.Resolve();
  o.features.image_path = images.string();
  o.features.database_path = o.matching.database_path = (workspace / "database.db").string();
  return o;
}

}  // namespace colmatch
