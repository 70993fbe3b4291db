// Residuals of fundamental, essential and homography matrices, and refinement of the first two with Ceres.
#pragma once

#include <Eigen/Core>
#include <vector>

namespace colmatch {

using Points2d = std::vector<Eigen::Vector2d>;

// Squared Sampson error of x2^T M x1 = 0 per correspondence, in squared units of the points (COLMAP's inlier
// measure). Infinite where it is not defined.
std::vector<double> SquaredSampsonErrors(const Eigen::Matrix3d& matrix, const Points2d& points1,
                                         const Points2d& points2);

// Squared distance of H x1 from x2, in the second image only, as COLMAP measures it.
std::vector<double> SquaredTransferErrors(const Eigen::Matrix3d& homography, const Points2d& points1,
                                          const Points2d& points2);

// Minimise the Sampson error with a Cauchy loss of width `loss_width`, in the points' units. The fundamental
// matrix keeps rank 2 (U diag(1, s, 0) V^T: Bartoli and Sturm, PAMI 2004), the essential matrix is [t]x R.
// Return the start value if Ceres finds nothing better. Both norms are 1 on return.
Eigen::Matrix3d RefineFundamental(const Eigen::Matrix3d& start, const Points2d& points1,
                                  const Points2d& points2, double loss_width);
Eigen::Matrix3d RefineEssential(const Eigen::Matrix3d& start, const Points2d& points1,
                                const Points2d& points2, double loss_width);

// Rotation and unit translation of one of the four decompositions of E; [t]x R equals E up to scale and sign.
void DecomposeEssential(const Eigen::Matrix3d& essential, Eigen::Matrix3d* rotation1,
                        Eigen::Matrix3d* rotation2, Eigen::Vector3d* translation);

Eigen::Matrix3d CrossProductMatrix(const Eigen::Vector3d& vector);

}  // namespace colmatch
