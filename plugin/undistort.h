// From pixels to normalised camera coordinates: camera models inverted.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "plugin/camera.h"

namespace colmatch {

// Points in px (COLMAP's convention, first pixel's centre (0.5, 0.5)) to (x/z, y/z) in the camera's frame.
// SIMPLE_PINHOLE, PINHOLE, SIMPLE_RADIAL, RADIAL and OPENCV; throws UsageError naming any other model. A
// point that no direction projects to (distortion beyond the model's range) gives NaN.
std::vector<Eigen::Vector2d> UndistortToNormalized(const Camera& camera,
                                                   const std::vector<Eigen::Vector2d>& points_px);

// The inverse, for tests and error measures; same models, same convention.
Eigen::Vector2d ProjectNormalized(const Camera& camera, const Eigen::Vector2d& normalized);

}  // namespace colmatch
