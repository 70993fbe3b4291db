// Robust essential matrix and homography of directions instead of image points: for cameras whose photos are
// no plane (spheres, fisheyes) or a bent one. Errors are in px, whatever the lens does.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "geometry/robust_estimators.h"
#include "geometry/undistort.h"

namespace colmatch {

using Bearings = std::vector<Bearing>;

// Squared tangent Sampson error of ray2^T E ray1 = 0 per correspondence, px^2 (Terekhov and Larsson, ICCV
// 2023): the Sampson error with the derivatives of the rays by the pixels. Infinite where it is not defined.
std::vector<double> SquaredTangentSampsonErrors(const Eigen::Matrix3d& essential, const Bearings& bearings1,
                                                const Bearings& bearings2);

// Inliers: tangent Sampson error up to options.max_error, px. Bearings that are not finite are outliers.
// Never throws; the same seed gives the same result.
RobustModel EssentialOfBearings(const Bearings& bearings1, const Bearings& bearings2,
                                const RobustOptions& options);

// ray2 ~ H ray1. Inliers: distance of the projection of H ray1 into the second photo from points2, up to
// options.max_error, px; over the seam of a panorama the short way round.
RobustModel HomographyOfBearings(const Bearings& bearings1, const Bearings& bearings2, const Camera& camera2,
                                 const Points2d& points2, const RobustOptions& options);

}  // namespace colmatch
