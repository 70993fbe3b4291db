// Newton's method on the distortion, as COLMAP does it, with the exact derivative.
#include "plugin/undistort.h"

#include <Eigen/LU>
#include <limits>
#include <string>

#include "network/error.h"

namespace colmatch {
namespace {

// The five models as one: pinhole, radial (1 + k1 r^2 + k2 r^4) and tangential (p1, p2) terms.
struct Distortion {
  double fx, fy, cx, cy;
  double k1 = 0, k2 = 0, p1 = 0, p2 = 0;

  bool IsZero() const { return k1 == 0 && k2 == 0 && p1 == 0 && p2 == 0; }

  Eigen::Vector2d Apply(const Eigen::Vector2d& u, Eigen::Matrix2d* jacobian) const {
    const double x = u.x(), y = u.y(), xx = x * x, yy = y * y, xy = x * y, rr = xx + yy;
    const double radial = 1 + k1 * rr + k2 * rr * rr;
    const double radial_slope = 2 * (k1 + 2 * k2 * rr);  // d radial / dx = radial_slope * x
    (*jacobian)(0, 0) = radial + radial_slope * xx + 2 * p1 * y + 6 * p2 * x;
    (*jacobian)(0, 1) = radial_slope * xy + 2 * p1 * x + 2 * p2 * y;
    (*jacobian)(1, 0) = (*jacobian)(0, 1);
    (*jacobian)(1, 1) = radial + radial_slope * yy + 2 * p2 * x + 6 * p1 * y;
    return {x * radial + 2 * p1 * xy + p2 * (rr + 2 * xx), y * radial + 2 * p2 * xy + p1 * (rr + 2 * yy)};
  }
};

Distortion FromCamera(const Camera& camera) {
  CheckCamera(camera);
  const std::vector<double>& p = camera.params;
  switch (static_cast<CameraModelId>(camera.model_id)) {
    case CameraModelId::kSimplePinhole:
      return {p[0], p[0], p[1], p[2]};
    case CameraModelId::kPinhole:
      return {p[0], p[1], p[2], p[3]};
    case CameraModelId::kSimpleRadial:
      return {p[0], p[0], p[1], p[2], p[3]};
    case CameraModelId::kRadial:
      return {p[0], p[0], p[1], p[2], p[3], p[4]};
    case CameraModelId::kOpencv:
      return {p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]};
    default:
      throw UsageError(
          std::string("camera model ") + CameraModelById(camera.model_id).name +
          " cannot be undistorted here; expected SIMPLE_PINHOLE, PINHOLE, SIMPLE_RADIAL, RADIAL or OPENCV");
  }
}

Eigen::Vector2d Undistort(const Distortion& distortion, const Eigen::Vector2d& distorted) {
  constexpr int kMaxIterations = 100;
  constexpr double kTolerance = 1e-10;
  Eigen::Vector2d u = distorted;
  for (int i = 0; i < kMaxIterations; ++i) {
    Eigen::Matrix2d jacobian;
    const Eigen::Vector2d error = distortion.Apply(u, &jacobian) - distorted;
    if (!(jacobian.determinant() > 0)) break;  // Beyond the fold, where the model is not a camera any more.
    if (error.norm() < kTolerance) return u;
    u -= jacobian.inverse() * error;
  }
  return Eigen::Vector2d::Constant(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

std::vector<Eigen::Vector2d> UndistortToNormalized(const Camera& camera,
                                                   const std::vector<Eigen::Vector2d>& points_px) {
  const Distortion distortion = FromCamera(camera);
  std::vector<Eigen::Vector2d> normalized;
  normalized.reserve(points_px.size());
  for (const Eigen::Vector2d& point : points_px) {
    const Eigen::Vector2d u((point.x() - distortion.cx) / distortion.fx,
                            (point.y() - distortion.cy) / distortion.fy);
    normalized.push_back(distortion.IsZero() ? u : Undistort(distortion, u));
  }
  return normalized;
}

Eigen::Vector2d ProjectNormalized(const Camera& camera, const Eigen::Vector2d& normalized) {
  const Distortion d = FromCamera(camera);
  Eigen::Matrix2d unused;
  const Eigen::Vector2d u = d.Apply(normalized, &unused);
  return {d.fx * u.x() + d.cx, d.fy * u.y() + d.cy};
}

}  // namespace colmatch
