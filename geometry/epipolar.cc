// Two-view residuals and their non-linear refinement.
#include "geometry/epipolar.h"

#include <Eigen/Geometry>
#include <Eigen/SVD>
#include <cmath>
#include <limits>

#include "geometry/essential_refinement.h"

namespace colmatch {
namespace {

// Signed Sampson error; its square is the usual one.
template <typename T>
T SampsonError(const Eigen::Matrix<T, 3, 3>& matrix, const Eigen::Vector2d& point1,
               const Eigen::Vector2d& point2) {
  const Eigen::Matrix<T, 3, 1> x1 = point1.homogeneous().cast<T>();
  const Eigen::Matrix<T, 3, 1> x2 = point2.homogeneous().cast<T>();
  const Eigen::Matrix<T, 3, 1> line2 = matrix * x1;
  const Eigen::Matrix<T, 3, 1> line1 = matrix.transpose() * x2;
  const T gradient2 = line1(0) * line1(0) + line1(1) * line1(1) + line2(0) * line2(0) + line2(1) * line2(1);
  using std::sqrt;
  return x2.dot(line2) / sqrt(gradient2);
}

struct FundamentalCost {
  // Parameters: small rotations of U and V, and the second singular value (the first is 1).
  template <typename T>
  static Eigen::Matrix<T, 3, 3> Matrix(const Eigen::Matrix3d& u, const Eigen::Matrix3d& v, const T* p) {
    const Eigen::Matrix<T, 3, 3> left = RotateBy(p, u), right = RotateBy(p + 3, v);
    return left.col(0) * right.col(0).transpose() + p[6] * left.col(1) * right.col(1).transpose();
  }
  template <typename T>
  bool operator()(const T* p, T* residual) const {
    *residual = SampsonError(Matrix(u, v, p), point1, point2);
    return true;
  }
  Eigen::Matrix3d u, v;
  Eigen::Vector2d point1, point2;
};

struct SampsonResidual {
  template <typename T>
  T operator()(const Eigen::Matrix<T, 3, 3>& essential) const {
    return SampsonError(essential, point1, point2);
  }
  Eigen::Vector2d point1, point2;
};

Eigen::Matrix3d WithDeterminantOne(const Eigen::Matrix3d& orthogonal) {
  return orthogonal.determinant() < 0 ? Eigen::Matrix3d(-orthogonal) : orthogonal;
}

// One similarity for both images, so that distances keep one scale: their mean goes to 0, their spread to 1.
struct Normalization {
  Eigen::Vector2d mean1 = Eigen::Vector2d::Zero(), mean2 = Eigen::Vector2d::Zero();
  double scale = 1;

  Normalization(const Points2d& points1, const Points2d& points2) {
    for (const auto& point : points1) mean1 += point / points1.size();
    for (const auto& point : points2) mean2 += point / points2.size();
    double sum = 0;
    for (const auto& point : points1) sum += (point - mean1).squaredNorm();
    for (const auto& point : points2) sum += (point - mean2).squaredNorm();
    if (sum > 0) scale = std::sqrt(2.0 * static_cast<double>(points1.size()) / sum);
  }
  Eigen::Matrix3d Transform(const Eigen::Vector2d& mean) const {
    Eigen::Matrix3d matrix = Eigen::Matrix3d::Identity();
    matrix.topLeftCorner<2, 2>() *= scale;
    matrix.topRightCorner<2, 1>() = -scale * mean;
    return matrix;
  }
};

}  // namespace

std::vector<double> SquaredSampsonErrors(const Eigen::Matrix3d& matrix, const Points2d& points1,
                                         const Points2d& points2) {
  std::vector<double> errors(points1.size());
  for (std::size_t i = 0; i < points1.size(); ++i) {
    const double error = SampsonError(matrix, points1[i], points2[i]);
    errors[i] = std::isfinite(error) ? error * error : std::numeric_limits<double>::infinity();
  }
  return errors;
}

std::vector<double> SquaredTransferErrors(const Eigen::Matrix3d& homography, const Points2d& points1,
                                          const Points2d& points2) {
  std::vector<double> errors(points1.size());
  for (std::size_t i = 0; i < points1.size(); ++i) {
    const Eigen::Vector3d mapped = homography * points1[i].homogeneous();
    const double error = (mapped.hnormalized() - points2[i]).squaredNorm();
    errors[i] = std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
  }
  return errors;
}

Eigen::Matrix3d RefineFundamental(const Eigen::Matrix3d& start, const Points2d& points1,
                                  const Points2d& points2, double loss_width) {
  if (points1.empty()) return start;
  const Normalization norm(points1, points2);
  const Eigen::Matrix3d to1 = norm.Transform(norm.mean1), to2 = norm.Transform(norm.mean2);
  const Eigen::Matrix3d normalized = to2.inverse().transpose() * start * to1.inverse();
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(normalized, Eigen::ComputeFullU | Eigen::ComputeFullV);
  if (!(svd.singularValues()(0) > 0)) return start;
  FundamentalCost cost;
  cost.u = WithDeterminantOne(svd.matrixU());
  cost.v = WithDeterminantOne(svd.matrixV());
  double parameters[7] = {0, 0, 0, 0, 0, 0, svd.singularValues()(1) / svd.singularValues()(0)};

  ceres::Problem problem;
  auto* loss = new ceres::CauchyLoss(loss_width * norm.scale);  // Owned by the problem.
  for (std::size_t i = 0; i < points1.size(); ++i) {
    cost.point1 = norm.scale * (points1[i] - norm.mean1);
    cost.point2 = norm.scale * (points2[i] - norm.mean2);
    problem.AddResidualBlock(
        new ceres::AutoDiffCostFunction<FundamentalCost, 1, 7>(new FundamentalCost(cost)), loss, parameters);
  }
  if (!Improves(&problem)) return start;
  const Eigen::Matrix3d refined =
      to2.transpose() * FundamentalCost::Matrix<double>(cost.u, cost.v, parameters) * to1;
  return refined.normalized();
}

Eigen::Matrix3d RefineEssential(const Eigen::Matrix3d& start, const Points2d& points1,
                                const Points2d& points2, double loss_width) {
  std::vector<SampsonResidual> residuals;
  for (std::size_t i = 0; i < points1.size(); ++i) residuals.push_back({points1[i], points2[i]});
  return MinimizeOverEssentials(start, residuals, loss_width);
}

void DecomposeEssential(const Eigen::Matrix3d& essential, Eigen::Matrix3d* rotation1,
                        Eigen::Matrix3d* rotation2, Eigen::Vector3d* translation) {
  // Hartley and Zisserman, Multiple View Geometry, result 9.19.
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(essential, Eigen::ComputeFullU | Eigen::ComputeFullV);
  const Eigen::Matrix3d u = WithDeterminantOne(svd.matrixU());
  const Eigen::Matrix3d v = WithDeterminantOne(svd.matrixV());
  Eigen::Matrix3d w;
  w << 0, 1, 0, -1, 0, 0, 0, 0, 1;
  *rotation1 = u * w * v.transpose();
  *rotation2 = u * w.transpose() * v.transpose();
  *translation = u.col(2).normalized();
}

Eigen::Matrix3d CrossProductMatrix(const Eigen::Vector3d& v) {
  Eigen::Matrix3d matrix;
  matrix << 0, -v.z(), v.y(), v.z(), 0, -v.x(), -v.y(), v.x(), 0;
  return matrix;
}

}  // namespace colmatch
