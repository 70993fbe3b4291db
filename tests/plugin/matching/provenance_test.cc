// What stands beside a row names every option that decides it: an option that is forgotten there would let a
// resume mix features or matches of two kinds without a word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "plugin/extraction/feature_pipeline.h"
#include "plugin/matching/matching_options.h"
#include "plugin/matching/matching_setup.h"

namespace colmatch {
namespace {

// The options that decide no row's features, and why.
const std::map<std::string, std::string> kFeaturesDoNotDependOn = {
    {"--help", "prints and ends"},
    {"--camera_mode", "cameras are rows of their own"},
    {"--ImageReader.camera_model", "cameras are rows of their own"},
    {"--ImageReader.camera_params", "cameras are rows of their own"},
    {"--ImageReader.default_focal_length_factor", "cameras are rows of their own"},
    {"--ImageReader.existing_camera_id", "cameras are rows of their own"},
    {"--ImageReader.focal_convention", "cameras are rows of their own"},
    {"--ImageReader.single_camera", "cameras are rows of their own"},
    {"--ImageReader.single_camera_per_folder", "cameras are rows of their own"},
    {"--ImageReader.single_camera_per_image", "cameras are rows of their own"},
    {"--ImageReader.mask_path", "each photo's own suffix names the mask's content"},
    {"--ImageReader.camera_mask_path", "each photo's own suffix names the mask's content"},
    {"--SuperPoint.upright", "each photo's own suffix names the quarter turns"},
};
// The options that decide features, and a value that is not the default.
const std::map<std::string, std::string> kFeaturesDependOn = {
    {"--SuperPoint.max_num_features", "100"}, {"--SuperPoint.max_image_size", "640"},
    {"--SuperPoint.tile_size", "512"},        {"--SuperPoint.keypoint_threshold", "0.1"},
    {"--SuperPoint.nms_radius", "7"},         {"--SuperPoint.remove_borders", "9"},
    {"--SuperPoint.refinement_radius", "2"},  {"--SuperPoint.place_radius", "2"},
    {"--SuperPoint.scales", "1,0.3"},
};
const std::map<std::string, std::string> kMatchesDoNotDependOn = {
    {"--help", "prints and ends"},
    {"--SuperGlue.batch_size", "pairs beside each other"},
    {"--SuperGlue.cuda_graphs", "the same launches, recorded"},
    {"--ExhaustiveMatching.block_size", "the order of the pairs"},
    {"--skip_geometric_verification", "decides the geometry, which has rows of its own"},
};
const std::map<std::string, std::string> kMatchesDependOn = {
    {"--matcher", "nn"},
    {"--SuperGlue.match_threshold", "0.5"},
    {"--SuperGlue.sinkhorn_iterations", "7"},
    {"--SuperGlue.guidance_rounds", "1"},
    {"--SuperGlue.min_neighbors", "3"},
};

// The options with a description, by their first names: those without one are COLMAP's and mean nothing here.
std::set<std::string> NamesOf(const CLI::App& app) {
  std::set<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_description().empty() && !option->get_lnames().empty())
      names.insert("--" + option->get_lnames().front());
  }
  return names;
}

std::string FeaturesMadeWith(const std::vector<std::string>& arguments, CLI::App& app) {
  ExtractionCommandOptions command;
  command.AddTo(app, /*with_paths=*/false);
  auto reversed = arguments;
  std::reverse(reversed.begin(), reversed.end());
  app.parse(reversed);
  const FeaturePipelineOptions options = command.Resolve();
  LoadedSuperPoint weights;
  weights.network = SuperPoint();
  return FeatureProvenance(options, FeatureExtractor(weights, options.keypoints, torch::kCPU));
}

std::string MatchesMadeWith(const std::vector<std::string>& arguments, CLI::App& app) {
  MatchingCommandOptions command;
  command.AddTo(app, /*with_paths=*/false, /*with_matching=*/true);
  auto reversed = arguments;
  std::reverse(reversed.begin(), reversed.end());
  app.parse(reversed);
  CommonOptions common;
  common.precision = "fp32";
  common.device = "cpu";
  return MatchingProvenance(command.Resolve(), common, {Metadata{}, "hash"});
}

TEST(Provenance, OfFeaturesChangesWithEveryOptionThatDecidesThem) {
  CLI::App plain;
  const std::string usual = FeaturesMadeWith({}, plain);
  for (const auto& [name, value] : kFeaturesDependOn) {
    CLI::App app;
    EXPECT_NE(FeaturesMadeWith({name, value}, app), usual) << name;
  }
  for (const std::string& name : NamesOf(plain)) {
    EXPECT_TRUE(kFeaturesDependOn.count(name) + kFeaturesDoNotDependOn.count(name) == 1)
        << name << ": a new option: say in this test whether features depend on it";
  }
}

TEST(Provenance, OfMatchesChangesWithEveryOptionThatDecidesThem) {
  CLI::App plain;
  const std::string usual = MatchesMadeWith({}, plain);
  for (const auto& [name, value] : kMatchesDependOn) {
    CLI::App app;
    EXPECT_NE(MatchesMadeWith({name, value}, app), usual) << name;
  }
  CLI::App similar, other_similar;  // of the test that min_neighbors turns on
  EXPECT_NE(
      MatchesMadeWith({"--SuperGlue.min_neighbors", "3", "--SuperGlue.neighbor_similarity", "0.7"}, similar),
      MatchesMadeWith({"--SuperGlue.min_neighbors", "3"}, other_similar));
  CLI::App ratio, other_ratio;
  EXPECT_NE(MatchesMadeWith({"--matcher", "nn_ratio", "--max_ratio", "0.7"}, ratio),
            MatchesMadeWith({"--matcher", "nn_ratio"}, other_ratio));
  for (const std::string& name : NamesOf(plain)) {
    if (name.rfind("--TwoViewGeometry.", 0) == 0) continue;  // geometry has rows of its own
    if (name == "--max_ratio" || name == "--SuperGlue.neighbor_similarity") continue;  // tested above
    EXPECT_TRUE(kMatchesDependOn.count(name) + kMatchesDoNotDependOn.count(name) == 1)
        << name << ": a new option: say in this test whether matches depend on it";
  }
}

}  // namespace
}  // namespace colmatch
