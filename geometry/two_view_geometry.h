// Geometric verification of a photo pair: COLMAP's decision rules on top of robust F, E and H.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "util/colmap_types.h"
#include "util/option_declaration.h"

namespace colmatch {

// Names and defaults are those of COLMAP's --TwoViewGeometry.* (3.8: --SiftMatching.*).
struct TwoViewGeometryOptions {
  int min_num_inliers = 15;
  double max_error = 4.0;  // px
  double confidence = 0.999;
  int max_num_trials = 10000;
  double min_inlier_ratio = 0.25;      // bounds the number of trials
  double min_E_F_inlier_ratio = 0.95;  // E is accepted if it has at least this share of F's inliers
  double max_H_inlier_ratio = 0.8;     // with more than this share of the inliers, H explains the pair
  // Not in COLMAP: if fewer than half of the matches of a pair are inliers, their number must be at least
  // this multiple of the number of inliers for the same points matched at random. 0: only COLMAP's rule.
  double min_chance_ratio = 1.7;
  bool detect_watermark = true;
  double watermark_min_inlier_ratio = 0.7;
  double watermark_border_size = 0.1;          // share of the image diagonal
  double watermark_detection_max_error = 4.0;  // px
  bool multiple_models = false;                // estimate further models from the outliers
  bool multiple_ignore_watermark = true;
  bool compute_relative_pose = false;  // also distinguishes PLANAR from PANORAMIC
  int random_seed = 0;
  bool refine = true;  // refine the matrices with Ceres on their inliers

  static constexpr Declaration<int> kMinNumInliers{
      "--TwoViewGeometry.min_num_inliers,--SiftMatching.min_num_inliers",
      "minimum number of inliers of a verified pair",
      {0, 1000000000}};
  static constexpr Declaration<double> kMaxError{"--TwoViewGeometry.max_error,--SiftMatching.max_error",
                                                 "maximum distance of an inlier from the model, pixels",
                                                 {1e-9, 1e9, "pixels"}};
  static constexpr Declaration<double> kConfidence{"--TwoViewGeometry.confidence,--SiftMatching.confidence",
                                                   "confidence of the robust estimation",
                                                   {0, 1, "", Ends::kOpenHigh}};
  static constexpr Declaration<int> kMaxNumTrials{
      "--TwoViewGeometry.max_num_trials,--SiftMatching.max_num_trials",
      "maximum number of trials of the robust estimation",
      {1, 1000000000}};
  static constexpr Declaration<double> kMinInlierRatio{
      "--TwoViewGeometry.min_inlier_ratio,--SiftMatching.min_inlier_ratio",
      "minimum share of inliers that the robust estimation assumes",
      {0, 1}};
  static constexpr Declaration<double> kMinChanceRatio{
      "--TwoViewGeometry.min_chance_ratio",
      "minimum inliers of a doubtful pair, as a multiple of what its points matched at random give; 0: "
      "COLMAP's rules alone",
      {0, 1e9}};
  static constexpr Declaration<double> kWatermarkMaxError{"--TwoViewGeometry.watermark_detection_max_error",
                                                          "maximum distance of a watermark's inlier, pixels",
                                                          {0, 1e9, "pixels"}};
  static constexpr Bounds<double> kShare{0, 1};  // of the other ratios and of border sizes
  void Validate() const;                         // Throws UsageError naming option, value and range.
};

// COLMAP's TwoViewGeometry::Estimate (3.8), with OpenCV's USAC instead of COLMAP's LO-RANSAC. Points are in
// pixels in COLMAP's convention (the first pixel's centre is (0.5, 0.5)). The rules for calibrated pairs
// apply if both cameras have a prior focal length. Too few matches give kDegenerate.
//
// As in COLMAP 4, E and H of calibrated pairs whose lens bends straight lines (fisheyes, distortion) are
// estimated from viewing directions, with errors in pixels (bearing_estimators.h). Pairs with a spherical
// camera use viewing directions only: H maps directions, and there is no F.
//
// A matcher such as SuperGlue also finds matches between photos that do not overlap. RANSAC then finds a
// fundamental matrix: with its 7 degrees of freedom, 20 of 200 random matches are inliers, more than COLMAP's
// minimum. min_chance_ratio rejects such pairs as kDegenerate.
//
// inlier_matches keep the order of matches. E is set only for calibrated pairs. F, E and H are not set for
// kDegenerate and kMultiple. qvec and tvec are set only with compute_relative_pose.
//
// Throws InputError for a match index out of range, UsageError for invalid options or camera models. The
// result is deterministic for a given seed.
TwoViewGeometry EstimateTwoViewGeometry(const Camera& camera1, const std::vector<Eigen::Vector2d>& points1,
                                        const Camera& camera2, const std::vector<Eigen::Vector2d>& points2,
                                        const Matches& matches, const TwoViewGeometryOptions& options = {});

}  // namespace colmatch
