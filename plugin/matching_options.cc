// Option tables; see matching_options.h.
#include "plugin/matching_options.h"

#include "network/error.h"

namespace colmatch {
namespace {

// Takes an option of COLMAP's that has no meaning here, so that scripts run unchanged; --help does not show
// it.
void AddIgnored(CLI::App& app, const std::string& names) {
  app.add_option_function<std::string>(
         names, [](const std::string&) {}, "")
      ->group("");
}

}  // namespace

void ExtractionCommandOptions::AddTo(CLI::App& app, bool with_paths) {
  auto& o = options;
  if (with_paths) {
    AddOption(app, "--database_path", o.database_path, "COLMAP database; made if it is missing")->required();
    AddOption(app, "--image_path", o.image_path, "folder of photos")->required();
    AddOption(app, "--image_list_path", o.image_list_path,
              "file with one photo name a line, relative to image_path");
  }
  AddOption(app, "--camera_mode", camera_mode_,
            "0 auto, 1 single, 2 per folder, 3 per image; -1: by --ImageReader.*");
  AddOption(app, "--ImageReader.camera_model", o.camera.camera_model, "COLMAP's camera model name");
  AddOption(app, "--ImageReader.camera_params", o.camera.camera_params, "comma separated; empty: from EXIF");
  AddOption(app, "--ImageReader.default_focal_length_factor", o.camera.default_focal_length_factor,
            "focal length over the longer side where EXIF has none");
  AddOption(app, "--ImageReader.existing_camera_id", o.existing_camera_id,
            "camera of the database to use for all; -1: none");
  AddOption(app, "--ImageReader.single_camera", single_camera_, "one camera for all photos");
  AddOption(app, "--ImageReader.single_camera_per_folder", single_camera_per_folder_,
            "one camera a sub-folder");
  AddOption(app, "--ImageReader.single_camera_per_image", single_camera_per_image_, "one camera a photo");
  AddDetectorTo(app);
  AddIgnored(app, "--SiftExtraction.use_gpu,--FeatureExtraction.use_gpu");
  AddIgnored(app, "--SiftExtraction.gpu_index,--FeatureExtraction.gpu_index");
}

void ExtractionCommandOptions::AddDetectorTo(CLI::App& app) {
  auto& o = options;
  AddOption(app, "--SuperPoint.max_num_features", o.keypoints.max_num_features,
            "strongest keypoints kept; 0: all");
  AddOption(app, "--SuperPoint.max_image_size,--FeatureExtraction.max_image_size", o.max_image_size,
            "longer side given to the network, pixels; 0: never resize");
  AddOption(app, "--SuperPoint.keypoint_threshold", o.keypoints.keypoint_threshold,
            "least detection probability");
  AddOption(app, "--SuperPoint.nms_radius", o.keypoints.nms_radius, "least distance of keypoints, pixels");
  AddOption(app, "--SuperPoint.remove_borders", o.keypoints.remove_borders,
            "pixels at each side without keypoints");
  AddOption(
      app, "--SuperPoint.refinement_radius", o.keypoints.refinement_radius,
      "keypoints move to the strongest peak of the Hessian this near, pixels; 0: they stay, as published");
}

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
  if (o.max_image_size < 0) o.max_image_size = 1600;  // COLMAP 4's -1: the extractor's own default
  return o;
}

void MatchingCommandOptions::AddTo(CLI::App& app, bool with_paths, bool with_matching) {
  auto& o = options;
  auto& g = o.geometry;
  if (with_paths)
    AddOption(app, "--database_path", o.database_path, "COLMAP database with features")->required();
  if (with_matching) {
    AddOption(app, "--matcher", o.matcher,
              "superglue, or a baseline on the same features: nn, nn_mutual, nn_ratio")
        ->check(CLI::IsMember({"superglue", "nn", "nn_mutual", "nn_ratio"}));
    AddOption(app, "--SuperGlue.match_threshold", o.matching.superglue.match_threshold,
              "least confidence of a match");
    AddOption(app, "--SuperGlue.sinkhorn_iterations", o.matching.superglue.sinkhorn_iterations,
              "optimal transport");
    AddOption(app, "--max_ratio,--SiftMatching.max_ratio", o.matching.max_ratio,
              "of the ratio test (nn_ratio)");
    AddOption(app, "--skip_geometric_verification,--FeatureMatching.skip_geometric_verification",
              o.skip_geometric_verification, "take every match as an inlier");
    AddOption(app, "--ExhaustiveMatching.block_size", o.block_size, "images a side of a block");
  }
  AddOption(app, "--TwoViewGeometry.min_num_inliers,--SiftMatching.min_num_inliers", g.min_num_inliers,
            "of a verified pair");
  AddOption(app, "--TwoViewGeometry.max_error,--SiftMatching.max_error", g.max_error, "of an inlier, pixels");
  AddOption(app, "--TwoViewGeometry.confidence,--SiftMatching.confidence", g.confidence,
            "of the robust estimation");
  AddOption(app, "--TwoViewGeometry.max_num_trials,--SiftMatching.max_num_trials", g.max_num_trials,
            "of the robust estimation");
  AddOption(app, "--TwoViewGeometry.min_inlier_ratio,--SiftMatching.min_inlier_ratio", g.min_inlier_ratio,
            "assumed");
  AddOption(app, "--TwoViewGeometry.min_chance_ratio", g.min_chance_ratio,
            "least inliers of a doubtful pair, as a multiple of what its points matched at random give; 0: "
            "COLMAP's rules alone");
  AddOption(app, "--TwoViewGeometry.multiple_models,--SiftMatching.multiple_models", g.multiple_models,
            "more than one motion a pair");
  AddOption(app, "--TwoViewGeometry.compute_relative_pose,--SiftMatching.compute_relative_pose",
            g.compute_relative_pose, "store the relative pose too");
  AddOption(app, "--TwoViewGeometry.detect_watermark", g.detect_watermark, "recognise watermarks");
  AddOption(app, "--TwoViewGeometry.random_seed", g.random_seed, "of the robust estimation");
  AddIgnored(app, "--SiftMatching.use_gpu,--FeatureMatching.use_gpu");
  AddIgnored(app, "--SiftMatching.gpu_index,--FeatureMatching.gpu_index");
}

}  // namespace colmatch
