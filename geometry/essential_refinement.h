// Non-linear refinement of two-view models with Ceres: what all residuals share. A header of source files.
#pragma once

#include <ceres/ceres.h>
#include <ceres/rotation.h>

#include <Eigen/Core>
#include <cmath>
#include <vector>

#include "geometry/epipolar.h"

namespace colmatch {

// The rotation by `angle_axis` (3 values, radians) after `base`.
template <typename T>
Eigen::Matrix<T, 3, 3> RotateBy(const T* angle_axis, const Eigen::Matrix3d& base) {
  T rotation[9];  // column-major
  ceres::AngleAxisToRotationMatrix(angle_axis, rotation);
  return Eigen::Map<const Eigen::Matrix<T, 3, 3>>(rotation) * base.cast<T>();
}

// Solves in place; false where the result cannot be used.
inline bool Improves(ceres::Problem* problem) {
  ceres::Solver::Options options;
  options.linear_solver_type = ceres::DENSE_NORMAL_CHOLESKY;
  options.max_num_iterations = 25;
  options.num_threads = 1;  // One sum order: the same bytes out on any machine load.
  options.logging_type = ceres::SILENT;
  ceres::Solver::Summary summary;
  ceres::Solve(options, problem, &summary);
  return summary.IsSolutionUsable() && std::isfinite(summary.final_cost);
}

// A residual of E = [t]x R as Ceres' cost of a small rotation after `rotation`, and of t.
template <typename Residual>
struct EssentialCost {
  template <typename T>
  static Eigen::Matrix<T, 3, 3> Matrix(const Eigen::Matrix3d& rotation, const T* angle_axis,
                                       const T* translation) {
    Eigen::Matrix<T, 3, 3> cross;
    cross << T(0), -translation[2], translation[1], translation[2], T(0), -translation[0], -translation[1],
        translation[0], T(0);
    return cross * RotateBy(angle_axis, rotation);
  }
  template <typename T>
  bool operator()(const T* angle_axis, const T* translation, T* value) const {
    *value = residual(Matrix(rotation, angle_axis, translation));
    return true;
  }
  Eigen::Matrix3d rotation;
  Residual residual;
};

// The essential matrix near `start` with the least sum of residuals under a Cauchy loss of width
// `loss_width`, in the residuals' unit, norm 1; `start` if there are no residuals or Ceres finds nothing that
// can be used. Residual: a copyable object with `template <typename T> T operator()(const Matrix<T, 3, 3>&)
// const`.
template <typename Residual>
Eigen::Matrix3d MinimizeOverEssentials(const Eigen::Matrix3d& start, const std::vector<Residual>& residuals,
                                       double loss_width) {
  if (residuals.empty()) return start;
  using Cost = EssentialCost<Residual>;
  Eigen::Matrix3d rotation, other_rotation;
  Eigen::Vector3d translation;
  DecomposeEssential(start, &rotation, &other_rotation, &translation);
  if (!rotation.allFinite() || !translation.allFinite()) return start;
  double angle_axis[3] = {0, 0, 0};

  ceres::Problem problem;
  auto* loss = new ceres::CauchyLoss(loss_width);  // Owned by the problem.
  for (const Residual& residual : residuals) {
    problem.AddResidualBlock(new ceres::AutoDiffCostFunction<Cost, 1, 3, 3>(new Cost{rotation, residual}),
                             loss, angle_axis, translation.data());
  }
  problem.SetManifold(translation.data(), new ceres::SphereManifold<3>);  // The length cannot be seen.
  if (!Improves(&problem)) return start;
  return Cost::template Matrix<double>(rotation, angle_axis, translation.data()).normalized();
}

}  // namespace colmatch
