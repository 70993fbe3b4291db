// The second camera's pose in the first one's frame, from an essential matrix or a homography.
#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>
#include <optional>
#include <vector>

#include "geometry/camera.h"
#include "geometry/epipolar.h"

namespace colmatch {

// x_in_cam2 = rotation * x_in_cam1 + translation.
struct RelativePose {
  Eigen::Matrix3d rotation = Eigen::Matrix3d::Identity();
  Eigen::Vector3d translation = Eigen::Vector3d::Zero();
};

// Pinhole part of the camera: focal lengths and principal point, px.
Eigen::Matrix3d CalibrationMatrix(const Camera& camera);

// Directions in the camera's frame, of any length; NaN where a point has none.
using Rays = std::vector<Eigen::Vector3d>;

// The decomposition with most points in front, along the rays of both cameras (and nearer than 1000
// baselines, as in COLMAP); unit translation. Nothing if no point is.
std::optional<RelativePose> PoseFromEssential(const Eigen::Matrix3d& essential, const Rays& rays1,
                                              const Rays& rays2);

// H of rays: K2^-1 H K1 for pinholes. Translation is 0 if H is a rotation up to COLMAP's tolerance (1e-3 in
// H^T H - I), else in units of the plane's distance.
std::optional<RelativePose> PoseFromHomography(const Eigen::Matrix3d& homography, const Rays& rays1,
                                               const Rays& rays2);

}  // namespace colmatch
