// Robust fundamental, essential and homography matrices: OpenCV's USAC finds them, COLMAP's rule counts the
// inliers.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "geometry/epipolar.h"

namespace colmatch {

struct RobustOptions {
  double max_error = 4.0;  // in the points' units
  double confidence = 0.999;
  int max_num_trials = 10000;
  double min_inlier_ratio = 0.25;  // bounds the number of trials: fewer inliers need not be found
  int random_seed = 0;
  bool refine = true;  // refine with Ceres on the inliers (the homography: least squares)
};

struct RobustModel {
  bool success = false;  // false: no model, and no inliers
  Eigen::Matrix3d matrix = Eigen::Matrix3d::Zero();
  std::vector<char> is_inlier;  // one per correspondence
  int num_inliers = 0;
};

// x2^T F x1 = 0. Inliers: Sampson error up to max_error, counted here and not by OpenCV, so that the number
// means what it means in COLMAP. Points that are not finite are outliers. Never throws; the same seed gives
// the same result.
RobustModel RobustFundamental(const Points2d& points1, const Points2d& points2, const RobustOptions& options);

// The same for normalised points; max_error is in normalised units (px / focal length).
RobustModel RobustEssential(const Points2d& normalized1, const Points2d& normalized2,
                            const RobustOptions& options);

// x2 ~ H x1. Inliers: error in the second image up to max_error.
RobustModel RobustHomography(const Points2d& points1, const Points2d& points2, const RobustOptions& options);

}  // namespace colmatch
