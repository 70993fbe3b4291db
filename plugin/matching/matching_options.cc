// Option tables; see matching_options.h.
#include "plugin/matching/matching_options.h"

#include <algorithm>
#include <iterator>

#include "matcher/matcher_list.h"
#include "plugin/options/documentation.h"
#include "plugin/options/network_options.h"
#include "plugin/runtime/log.h"
#include "util/error.h"

namespace colmatch {
namespace {

// Shares of the default sizes, in the proportions of COLMAP's --quality; pairs as it shares out the similar
// photos.
struct Quality {
  const char* name;
  double image_size, num_features, num_pairs;
};
constexpr Quality kQualities[] = {{"low", 0.3125 / 0.75, 0.25, 0.5},
                                  {"medium", 0.5 / 0.75, 0.5, 1 / 1.5},
                                  {"high", 1, 1, 1},
                                  {"extreme", 1 / 0.75, 1, 1}};

const Quality& QualityOf(const std::string& name) {
  return *std::find_if(std::begin(kQualities), std::end(kQualities),
                       [&](const Quality& q) { return CLI::detail::to_lower(name) == q.name; });
}

int Scaled(int value, double factor) { return static_cast<int>(value * factor + 0.5); }

}  // namespace

void ForeignOptions::Ignore(CLI::App& app, const std::string& names) {
  app.add_option_function<std::string>(
         names, [this, names](const std::string&) { given_.push_back(names); }, "")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeFirst)
      ->group(kColmapGroup);
}

void ForeignOptions::Refuse(CLI::App& app, const std::string& names, const std::vector<std::string>& harmless,
                            const std::string& reason) {
  app.add_option_function<std::string>(
         names,
         [names, harmless, reason](const std::string& value) {
           if (std::find(harmless.begin(), harmless.end(), value) != harmless.end()) return;
           throw UsageError(names + " " + value + ": " + reason);
         },
         "")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeFirst)
      ->group(kColmapGroup);
}

void ForeignOptions::Tell() const {
  if (given_.empty()) return;
  std::string list;
  for (const std::string& name : given_) list += (list.empty() ? "" : ", ") + name;
  LogInfo("without effect on SuperPoint and SuperGlue (see " + DocumentationPage("colmap_options.md") +
          "): " + list);
}

void ExtractionCommandOptions::AddTo(CLI::App& app, bool with_paths) {
  auto& o = options;
  if (with_paths) {
    AddOption(app, "--database_path", o.database_path, "COLMAP database; created if missing")->required();
    AddOption(app, "--image_path", o.image_path, "folder of photos")->required();
    AddOption(app, "--image_list_path", o.image_list_path,
              "file with one photo name per line, relative to image_path");
  }
  AddOption(app, "--camera_mode", camera_mode_,
            "0 auto, 1 single, 2 per folder, 3 per image; -1: by --ImageReader.*");
  AddOption(app, "--ImageReader.camera_model", o.camera.camera_model,
            "camera model of new cameras, by COLMAP's name");
  AddOption(app, "--ImageReader.camera_params", o.camera.camera_params,
            "parameters of new cameras, separated by commas; empty: from EXIF");
  AddOption(app, "--ImageReader.default_focal_length_factor", o.camera.default_focal_length_factor,
            "focal length, as a multiple of the longer side, of photos without a focal length in EXIF");
  AddOption(app, "--ImageReader.existing_camera_id", o.existing_camera_id,
            "camera_id in the database of the camera to use for all photos; -1: none");
  AddOption(
      app, "--ImageReader.focal_convention", o.focal_convention,
      "how EXIF's 35 mm equivalent becomes pixels: colmap3 (over 35 mm, of the longer side), colmap4 (over "
      "43.27 mm, of the diagonal), auto (as the database's COLMAP; new ones: colmap3)")
      ->check(CLI::IsMember({"auto", "colmap3", "colmap4"}));
  AddOption(app, "--ImageReader.mask_path", o.mask_path,
            "folder of masks NAME.png (for a.jpg: a.jpg.png or a.png): no keypoints where they are 0");
  AddOption(app, "--ImageReader.camera_mask_path", o.camera_mask_path, "one mask for all photos");
  AddOption(app, "--ImageReader.single_camera", single_camera_, "one camera for all photos");
  AddOption(app, "--ImageReader.single_camera_per_folder", single_camera_per_folder_,
            "one camera per sub-folder");
  AddOption(app, "--ImageReader.single_camera_per_image", single_camera_per_image_, "one camera per photo");
  AddOption(
      app, "--SuperPoint.upright", o.upright,
      "the network sees photos turned as their EXIF orientation says; keypoints stay those of the stored "
      "photo");
  AddDetectorTo(app);
  foreign_.Ignore(app, "--descriptor_normalization");
  app.add_option("--FeatureExtraction.type", type_)->group(kColmapGroup);
  for (const char* name :
       {"first_octave", "num_octaves", "octave_resolution", "peak_threshold", "edge_threshold",
        "estimate_affine_shape", "max_num_orientations", "upright", "domain_size_pooling", "dsp_min_scale",
        "dsp_max_scale", "dsp_num_scales", "darkness_adaptivity"}) {
    foreign_.Ignore(app, std::string("--SiftExtraction.") + name);
  }
  for (const char* name : {"min_score", "n16rot_model_path", "n32_model_path"})
    foreign_.Ignore(app, std::string("--AlikedExtraction.") + name);
  for (const char* name :
       {"min_score", "use_bf16", "use_fast_resize", "detector_model_path", "descriptor_model_path",
        "descriptor_model_path_bf16", "descriptor_b128_model_path", "descriptor_b128_model_path_bf16"})
    foreign_.Ignore(app, std::string("--LomaExtraction.") + name);
}

void ExtractionCommandOptions::AddDetectorTo(CLI::App& app) {
  auto& o = options;
  auto& k = o.keypoints;
  max_num_features_ = AddOption(app, k.max_num_features, KeypointOptions::kMaxNumFeatures);
  sift_features_ =
      app.add_option("--SiftExtraction.max_num_features", sift_max_num_features_)->group(kColmapGroup);
  aliked_features_ =
      app.add_option("--AlikedExtraction.max_num_features", aliked_max_num_features_)->group(kColmapGroup);
  loma_features_ =
      app.add_option("--LomaExtraction.max_num_features", loma_max_num_features_)->group(kColmapGroup);
  max_image_size_ = AddOption(app, o.max_image_size, FeaturePipelineOptions::kMaxImageSize);
  AddOption(app, o.tile_size, FeaturePipelineOptions::kTileSize);
  AddOption(app, k.keypoint_threshold, KeypointOptions::kKeypointThreshold);
  AddOption(app, k.nms_radius, KeypointOptions::kNmsRadius);
  AddOption(app, k.remove_borders, KeypointOptions::kRemoveBorders);
  AddOption(app, k.refinement_radius, KeypointOptions::kRefinementRadius);
  AddOption(app, k.place_radius, KeypointOptions::kPlaceRadius, "-1: as the weights specify");
  AddScales(app, k.scales, "as the weights specify");
}

void ExtractionCommandOptions::AddShortNamesTo(CLI::App& app) {
  auto& o = options;
  AddOption(app, "--image_list_path", o.image_list_path,
            "file with one photo name per line, relative to image_path");
  AddOption(app, "--quality", quality_,
            "low, medium, high, extreme: size of the photos, number of keypoints and pairs of a photo, where "
            "--SuperPoint.* and --GraphMatching.* do not say them")
      ->check(CLI::IsMember({"low", "medium", "high", "extreme"}, CLI::ignore_case));
  app.add_option("--mask_path", o.mask_path)->group(kColmapGroup);
  app.add_option("--camera_model", o.camera.camera_model)->group(kColmapGroup);
  app.add_option("--camera_params", o.camera.camera_params)->group(kColmapGroup);
  app.add_option("--single_camera", single_camera_)->group(kColmapGroup);
  app.add_option("--single_camera_per_folder", single_camera_per_folder_)->group(kColmapGroup);
}

void ExtractionCommandOptions::ResolveSizes(FeaturePipelineOptions& o) const {
  const FeaturePipelineOptions defaults;
  const Quality& quality = QualityOf(quality_);
  const bool aliked = type_.rfind("ALIKED", 0) == 0, loma = type_.rfind("LOMA", 0) == 0;
  if (!IsGiven(max_num_features_)) {
    o.keypoints.max_num_features = Scaled(defaults.keypoints.max_num_features, quality.num_features);
    if (IsGiven(sift_features_) && !aliked && !loma) o.keypoints.max_num_features = sift_max_num_features_;
    if (IsGiven(aliked_features_) && aliked) o.keypoints.max_num_features = aliked_max_num_features_;
    if (IsGiven(loma_features_) && loma) o.keypoints.max_num_features = loma_max_num_features_;
  }
  // COLMAP 4's -1: the extractor's own default.
  if (!IsGiven(max_image_size_) || o.max_image_size < 0) {
    o.max_image_size = o.tile_size > 0 ? 0 : Scaled(defaults.max_image_size, quality.image_size);
  }
}

double ExtractionCommandOptions::ShareOfPairs() const { return QualityOf(quality_).num_pairs; }

FeaturePipelineOptions ExtractionCommandOptions::Resolve() const {
  FeaturePipelineOptions o = options;
  if (camera_mode_ < -1 || camera_mode_ > 3) {
    throw UsageError("--camera_mode must be in [-1, 3], found " + std::to_string(camera_mode_));
  }
  if (single_camera_ + single_camera_per_folder_ + single_camera_per_image_ > 1) {
    throw UsageError(
        "--ImageReader.single_camera, single_camera_per_folder and single_camera_per_image exclude each "
        "other");
  }
  if (single_camera_) o.camera.mode = CameraMode::kSingle;
  if (single_camera_per_folder_) o.camera.mode = CameraMode::kPerFolder;
  if (single_camera_per_image_) o.camera.mode = CameraMode::kPerImage;
  if (camera_mode_ >= 0) o.camera.mode = static_cast<CameraMode>(camera_mode_);
  ResolveSizes(o);
  foreign_.Tell();
  if (!type_.empty()) LogInfo("--FeatureExtraction.type " + type_ + ": colmatch's features are SuperPoint's");
  return o;
}

void MatchingCommandOptions::AddTo(CLI::App& app, bool with_paths, bool with_matching) {
  auto& o = options;
  auto& g = o.geometry;
  if (with_paths)
    AddOption(app, "--database_path", o.database_path, "COLMAP database with features")->required();
  if (with_matching) {
    AddOption(app, "--matcher", o.matching.matcher,
              "matcher: superglue, or a baseline on the same features: nn, nn_mutual, nn_ratio")
        ->check(CLI::IsMember(MatcherNames()));
    auto& m = o.matching;
    AddOption(app, m.superglue.match_threshold, SuperGlueOptions::kMatchThreshold);
    AddOption(app, m.superglue.sinkhorn_iterations, SuperGlueOptions::kSinkhornIterations);
    AddOption(app, m.superglue.guidance_rounds, SuperGlueOptions::kGuidanceRounds);
    AddOption(app, m.prefilter.min_neighbors, PrefilterOptions::kMinNeighbors);
    AddOption(app, m.prefilter.min_similarity, PrefilterOptions::kMinSimilarity);
    AddOption(app, m.batch_size, MatcherOptions::kBatchSize);
    AddOption(app, m.cuda_graphs, MatcherOptions::kCudaGraphs);
    AddOption(app, m.max_ratio, MatcherOptions::kMaxRatio);
    AddOption(app, "--skip_geometric_verification,--FeatureMatching.skip_geometric_verification",
              o.skip_geometric_verification, "store every match as an inlier, without verification");
    AddOption(app, "--ExhaustiveMatching.block_size", o.block_size,
              "number of images in a block; the pairs of two blocks are matched together");
  }
  AddOption(app, g.min_num_inliers, TwoViewGeometryOptions::kMinNumInliers);
  AddOption(app, g.max_error, TwoViewGeometryOptions::kMaxError);
  AddOption(app, g.confidence, TwoViewGeometryOptions::kConfidence);
  AddOption(app, g.max_num_trials, TwoViewGeometryOptions::kMaxNumTrials);
  AddOption(app, g.min_inlier_ratio, TwoViewGeometryOptions::kMinInlierRatio);
  AddOption(app, g.min_chance_ratio, TwoViewGeometryOptions::kMinChanceRatio);
  AddOption(app, "--TwoViewGeometry.multiple_models,--SiftMatching.multiple_models", g.multiple_models,
            "look for several models per pair, as of moving objects");
  AddOption(app, "--TwoViewGeometry.compute_relative_pose,--SiftMatching.compute_relative_pose",
            g.compute_relative_pose, "also store the relative pose of each verified pair");
  AddOption(app, "--TwoViewGeometry.detect_watermark", g.detect_watermark,
            "detect pairs whose only common content is a watermark");
  AddOption(app, g.watermark_detection_max_error, TwoViewGeometryOptions::kWatermarkMaxError);
  AddOption(app, "--TwoViewGeometry.multiple_ignore_watermark", g.multiple_ignore_watermark,
            "with multiple_models, leave out models that are watermarks");
  AddOption(app, "--TwoViewGeometry.random_seed", g.random_seed, "seed of the robust estimation");
  AddForeignTo(app, with_matching);
}

void MatchingCommandOptions::AddForeignTo(CLI::App& app, bool with_matching) {
  const std::vector<std::string> off = {"0", "false", "no", "off"};
  const auto refuse = [&](const std::string& names, const std::string& reason) {
    foreign_.Refuse(app, names, off, reason);
  };
  refuse("--TwoViewGeometry.filter_stationary_matches",
         "matches that do not move are not filtered here; mask what moves with the camera "
         "(--ImageReader.camera_mask_path) and leave the option out");
  foreign_.Ignore(app, "--TwoViewGeometry.stationary_matches_max_error");
  refuse("--TwoViewGeometry.use_degensac",
         "the estimators are OpenCV's USAC, which have no DEGENSAC; leave the option out");
  foreign_.Refuse(app, "--TwoViewGeometry.use_sampson_refinement", {"1", "true", "yes", "on"},
                  "models are always refined on their inliers; leave the option out");
  refuse("--FeatureMatching.rig_verification,--rig_verification",
         "rigs are not verified as one; run `colmap geometric_verifier` on the matches, or leave the option "
         "out");
  if (!with_matching) {
    foreign_.Ignore(app, "--batch_size");
    return;
  }
  refuse("--SiftMatching.planar_scene",
         "pairs of planes are recognised without it (PLANAR_OR_PANORAMIC); leave the option out, as COLMAP 4 "
         "did");
  refuse("--FeatureMatching.skip_image_pairs_in_same_frame",
         "pairs within one frame of a rig are matched too; leave the option out");
  for (const char* model : {"b", "b128", "r", "l", "g"}) {
    foreign_.Ignore(app, std::string("--LomaMatching.") + model + "_model_path");
    foreign_.Ignore(app, std::string("--LomaMatching.") + model + "_model_path_bf16");
  }
  for (const char* name : {"brute_force_min_cossim", "brute_force_max_ratio", "brute_force_cross_check",
                           "brute_force_model_path", "min_score", "use_bf16"})
    foreign_.Ignore(app, std::string("--LomaMatching.") + name);
  for (const char* name :
       {"--SiftMatching.guided_matching", "--FeatureMatching.guided_matching", "--FeatureMatching.type",
        "--FeatureMatching.max_num_matches", "--SiftMatching.max_num_matches", "--SiftMatching.max_distance",
        "--SiftMatching.cross_check", "--SiftMatching.cpu_brute_force_matcher",
        "--SiftMatching.lightglue_min_score", "--SiftMatching.lightglue_model_path",
        "--AlikedMatching.brute_force_min_cossim", "--AlikedMatching.brute_force_max_ratio",
        "--AlikedMatching.brute_force_cross_check", "--AlikedMatching.bruteforce_model_path",
        "--AlikedMatching.lightglue_min_score", "--AlikedMatching.lightglue_model_path"}) {
    foreign_.Ignore(app, name);
  }
}

MatchingPipelineOptions MatchingCommandOptions::Resolve() const {
  MatchingPipelineOptions o = options;
  if (o.geometry.random_seed < 0) o.geometry.random_seed = 0;  // COLMAP 4's -1: the default seed
  foreign_.Tell();
  return o;
}

}  // namespace colmatch
