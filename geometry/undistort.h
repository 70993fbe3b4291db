// From pixels to normalised camera coordinates or directions and back, for every camera model of COLMAP.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "geometry/camera.h"

namespace colmatch {

// Points in px (COLMAP's convention, first pixel's centre (0.5, 0.5)) to (x/z, y/z) in the camera's frame.
// NaN where there is no such direction: beyond the range of the model's distortion, and 90 degrees and more
// from the optical axis, which the plane z = 1 does not reach (fisheyes, spheres).
std::vector<Eigen::Vector2d> UndistortToNormalized(const Camera& camera,
                                                   const std::vector<Eigen::Vector2d>& points_px);

// The inverse, for tests and error measures; same convention. NaN where the model shows no such point.
Eigen::Vector2d ProjectNormalized(const Camera& camera, const Eigen::Vector2d& normalized);

// A direction in the camera's frame, and how it moves with the pixel.
struct Bearing {
  Eigen::Vector3d ray;                 // unit length; NaN where the model has no such direction
  Eigen::Matrix<double, 3, 2> per_px;  // derivative of the ray by x and y in px
};

// The whole range of the model: more than 90 degrees from the optical axis too.
std::vector<Bearing> BearingsOf(const Camera& camera, const std::vector<Eigen::Vector2d>& points_px);

// The inverse: px of a direction of any length. NaN where the model shows no such direction.
Eigen::Vector2d ProjectRay(const Camera& camera, const Eigen::Vector3d& ray);

}  // namespace colmatch
