// The second camera's pose in the first one's frame, from an essential matrix or a homography.
#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>
#include <optional>

#include "plugin/camera.h"
#include "plugin/epipolar.h"

namespace colmatch {

// x_in_cam2 = rotation * x_in_cam1 + translation.
struct RelativePose {
  Eigen::Matrix3d rotation = Eigen::Matrix3d::Identity();
  Eigen::Vector3d translation = Eigen::Vector3d::Zero();
};

// Pinhole part of the camera: focal lengths and principal point, px.
Eigen::Matrix3d CalibrationMatrix(const Camera& camera);

// The decomposition with most normalised points in front of both cameras (and nearer than 1000 baselines, as
// in COLMAP); unit translation. Nothing if no point is.
std::optional<RelativePose> PoseFromEssential(const Eigen::Matrix3d& essential, const Points2d& normalized1,
                                              const Points2d& normalized2);

// H in normalised coordinates (K2^-1 H K1). Translation is 0 if H is a rotation up to COLMAP's tolerance
// (1e-3 in H^T H - I), else in units of the plane's distance.
std::optional<RelativePose> PoseFromHomography(const Eigen::Matrix3d& homography, const Points2d& normalized1,
                                               const Points2d& normalized2);

}  // namespace colmatch
