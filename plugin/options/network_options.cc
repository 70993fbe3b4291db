// Options of the networks; see network_options.h.
#include "plugin/options/network_options.h"

#include "matcher/matcher_options.h"
#include "plugin/runtime/command.h"

namespace colmatch {

CLI::Option* AddKeypointThreshold(CLI::App& app, KeypointOptions& options) {
  return AddOption(app, "--SuperPoint.keypoint_threshold", options.keypoint_threshold,
                   "minimum detection probability of a keypoint", KeypointOptions::kKeypointThreshold);
}

CLI::Option* AddNmsRadius(CLI::App& app, KeypointOptions& options) {
  return AddOption(app, "--SuperPoint.nms_radius", options.nms_radius,
                   "radius of non-maximum suppression: minimum distance of keypoints, pixels",
                   KeypointOptions::kNmsRadius);
}

CLI::Option* AddRemoveBorders(CLI::App& app, KeypointOptions& options) {
  return AddOption(app, "--SuperPoint.remove_borders", options.remove_borders,
                   "pixels at each side without keypoints", KeypointOptions::kRemoveBorders);
}

CLI::Option* AddRefinementRadius(CLI::App& app, KeypointOptions& options) {
  return AddOption(app, "--SuperPoint.refinement_radius", options.refinement_radius,
                   "keypoints move to the strongest peak of the Hessian this near, pixels; 0: they stay, as "
                   "published; -1: as the weights specify",
                   KeypointOptions::kRefinementRadius);
}

CLI::Option* AddPlaceRadius(CLI::App& app, double& radius, const std::string& otherwise) {
  return AddOption(app, "--SuperPoint.place_radius", radius,
                   "pixels of the photo within which several scales find one place, of which the strongest "
                   "keypoint stays; 0: all stay; " +
                       otherwise,
                   KeypointOptions::kPlaceRadius);
}

CLI::Option* AddScales(CLI::App& app, std::vector<double>& scales, const std::string& otherwise) {
  return app
      .add_option(
          "--SuperPoint.scales", scales,
          "sizes at which a photo is processed, as factors of its own, such as 1.4,1,0.7,0.5; 1: as it "
          "is, as published (default: " +
              otherwise + ")")
      ->delimiter(',')
      ->allow_extra_args(false);
}

CLI::Option* AddMatchThreshold(CLI::App& app, SuperGlueOptions& options) {
  return AddOption(app, "--SuperGlue.match_threshold", options.match_threshold,
                   "minimum confidence of a match", SuperGlueOptions::kMatchThreshold);
}

CLI::Option* AddSinkhornIterations(CLI::App& app, int& iterations) {
  return AddOption(
      app, "--SuperGlue.sinkhorn_iterations", iterations,
      "iterations of optimal transport; 0: as many as the weights specify (100 where they do not say)",
      SuperGlueOptions::kSinkhornIterations);
}

CLI::Option* AddGuidanceRounds(CLI::App& app, SuperGlueOptions& options) {
  return AddOption(
      app, "--SuperGlue.guidance_rounds", options.guidance_rounds,
      "rounds in which neighbouring matches predict where a keypoint's match lies, before optimal transport "
      "decides again; 0: none, -1: as many as the weights specify (none where they do not say)",
      SuperGlueOptions::kGuidanceRounds);
}

void AddGpuBatchOptions(CLI::App& app, int& batch_size, bool& cuda_graphs) {
  AddOption(app, "--SuperGlue.batch_size", batch_size, "pairs matched at once on a GPU",
            MatcherOptions::kBatchSize);
  AddOption(app, "--SuperGlue.cuda_graphs", cuda_graphs,
            "on a GPU, record the launches of a batch once and repeat them: for small batches");
}

}  // namespace colmatch
