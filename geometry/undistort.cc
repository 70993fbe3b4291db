// Every model is a lens (perspective or equidistant fisheye), a distortion of the normalised plane, and focal
// lengths with a principal point; the division models, EUCM and the sphere have closed forms of their own.
#include "geometry/undistort.h"

#include <ceres/jet.h>

#include <Eigen/Geometry>
#include <Eigen/LU>
#include <cmath>
#include <limits>

namespace colmatch {
namespace {

using Model = CameraModelId;
using Eigen::Vector2d;
using Eigen::Vector3d;
template <typename T>
using Point = Eigen::Matrix<T, 2, 1>;

constexpr double kPi = 3.14159265358979323846;

Vector2d NoPoint() { return Vector2d::Constant(std::numeric_limits<double>::quiet_NaN()); }

struct Lens {
  Model model = Model::kSimplePinhole;
  double fx = 1, fy = 1, cx = 0, cy = 0;
  const double* p = nullptr;  // the parameters after these

  bool IsFisheye() const {
    return model == Model::kOpencvFisheye || model == Model::kSimpleRadialFisheye ||
           model == Model::kRadialFisheye || model == Model::kThinPrismFisheye ||
           model == Model::kRadTanThinPrismFisheye || model == Model::kSimpleFisheye ||
           model == Model::kFisheye;
  }
};

// The camera must outlive the lens.
Lens LensOf(const Camera& camera) {
  CheckCamera(camera);
  const CameraModelInfo& info = CameraModelById(camera.model_id);
  const double* p = camera.params.data();
  if (info.num_focal_lengths == 0) return {info.id, 1, 1, 0, 0, p};
  const int n = info.num_focal_lengths;
  return {info.id, p[0], p[n - 1], p[n], p[n + 1], p + n + 2};
}

// Two prism and tangential terms: OpenCV's, with p1 belonging to y.
template <typename T>
Point<T> Tangential(const T& x, const T& y, double p1, double p2) {
  const T rr = x * x + y * y;
  return {2.0 * p1 * x * y + p2 * (rr + 2.0 * x * x), 2.0 * p2 * x * y + p1 * (rr + 2.0 * y * y)};
}

template <typename T>
Point<T> DistortRadTanThinPrism(const double* p, const Point<T>& u) {
  const T rr = u.squaredNorm();
  T radial(1), power(1);
  for (int i = 0; i < 6; ++i) {
    power *= rr;
    radial += p[i] * power;
  }
  const Point<T> v = u * radial;
  const T ss = v.squaredNorm();
  // Here p0 belongs to x, the other way round than OpenCV's.
  const Point<T> prism(p[8] * ss + p[9] * ss * ss, p[10] * ss + p[11] * ss * ss);
  return v + Tangential(v.x(), v.y(), p[7], p[6]) + prism;
}

// Devernay and Faugeras' field of view model: atan(2 r tan(omega / 2)) / omega along the radius.
template <typename T>
Point<T> DistortFov(double omega, const Point<T>& u) {
  using std::atan;
  using std::sqrt;
  const T rr = u.squaredNorm();
  if (omega * omega < 1e-4) return u * (1.0 + omega * omega * (rr / 3.0 - 1.0 / 12.0));
  const double scale = 2 * std::tan(omega / 2);
  if (rr < T(1e-12)) return u * T(scale / omega);
  const T r = sqrt(rr);
  return u * (atan(r * scale) / (r * omega));
}

// On the normalised plane; fisheyes: on the plane of angles.
template <typename T>
Point<T> Distort(const Lens& lens, const Point<T>& u) {
  const double* p = lens.p;
  const T x = u.x(), y = u.y(), rr = u.squaredNorm();
  switch (lens.model) {
    case Model::kSimpleRadial:
    case Model::kSimpleRadialFisheye:
      return u * (1.0 + p[0] * rr);
    case Model::kRadial:
    case Model::kRadialFisheye:
      return u * (1.0 + rr * (p[0] + p[1] * rr));
    case Model::kOpencv:
      return u * (1.0 + rr * (p[0] + p[1] * rr)) + Tangential(x, y, p[2], p[3]);
    case Model::kOpencvFisheye:
      return u * (1.0 + rr * (p[0] + rr * (p[1] + rr * (p[2] + rr * p[3]))));
    case Model::kFullOpencv:
      return u * ((1.0 + rr * (p[0] + rr * (p[1] + rr * p[4]))) /
                  (1.0 + rr * (p[5] + rr * (p[6] + rr * p[7])))) +
             Tangential(x, y, p[2], p[3]);
    case Model::kFov:
      return DistortFov(p[0], u);
    case Model::kThinPrismFisheye:
      return u * (1.0 + rr * (p[0] + rr * (p[1] + rr * (p[4] + rr * p[5])))) + Tangential(x, y, p[2], p[3]) +
             Point<T>(p[6] * rr, p[7] * rr);
    case Model::kRadTanThinPrismFisheye:
      return DistortRadTanThinPrism(p, u);
    default:
      return u;
  }
}

// Newton's method with the exact derivative, as COLMAP does it.
Vector2d InverseDistort(const Lens& lens, const Vector2d& distorted) {
  using Jet = ceres::Jet<double, 2>;
  constexpr int kMaxIterations = 100;
  constexpr double kTolerance = 1e-10;
  Vector2d u = distorted;
  for (int i = 0; i < kMaxIterations; ++i) {
    const Point<Jet> at = Distort(lens, Point<Jet>(Jet(u.x(), 0), Jet(u.y(), 1)));
    Eigen::Matrix2d jacobian;
    jacobian << at.x().v.transpose(), at.y().v.transpose();
    const Vector2d error = Vector2d(at.x().a, at.y().a) - distorted;
    if (!(jacobian.determinant() > 0)) break;  // Beyond the fold, where the model is not a camera any more.
    if (error.norm() < kTolerance) return u;
    u -= jacobian.inverse() * error;
  }
  return NoPoint();
}

// The plane's point at tan(angle) and the fisheye's at the angle, in the same direction.
Vector2d AngleFromPlane(const Vector2d& u) {
  const double r = u.norm();
  return r < 1e-12 ? u : Vector2d(u * (std::atan(r) / r));
}

Vector2d PlaneFromAngle(const Vector2d& u) {
  const double angle = u.norm();
  if (!(angle < kPi / 2)) return NoPoint();
  return angle < 1e-12 ? u : Vector2d(u * (std::tan(angle) / angle));
}

// Extended unified camera model, Khomutenko 2016: an ellipsoid of beta, alpha between plane and sphere.
Vector2d EucmFromPlane(const double* p, const Vector2d& u) {
  const double depth = p[0] * std::sqrt(p[1] * u.squaredNorm() + 1) + 1 - p[0];
  return depth > 0 ? Vector2d(u / depth) : NoPoint();
}

Vector2d PlaneFromEucm(const double* p, const Vector2d& m) {
  const double alpha = p[0], rr = p[1] * m.squaredNorm();
  const double inside = 1 - (2 * alpha - 1) * rr;
  if (inside < 0) return NoPoint();
  const double depth = (1 - alpha * alpha * rr) / (alpha * std::sqrt(inside) + 1 - alpha);
  return depth > 1e-12 ? Vector2d(m / depth) : NoPoint();
}

// Fitzgibbon's division model: the plane's point is m / (1 + k |m|^2).
Vector2d DivisionFromPlane(double k, const Vector2d& u) {
  const double inside = 1 - 4 * k * u.squaredNorm();
  return inside < 0 ? NoPoint() : Vector2d(u * (2 / (1 + std::sqrt(inside))));
}

Vector2d PlaneFromDivision(double k, const Vector2d& m) {
  const double depth = 1 + k * m.squaredNorm();
  return depth > 1e-12 ? Vector2d(m / depth) : NoPoint();
}

// Longitude from the optical axis over the width, latitude over the height.
Vector2d SphereFromPlane(const double* size, const Vector2d& u) {
  const double longitude = std::atan(u.x()), latitude = std::atan2(u.y(), std::hypot(u.x(), 1.0));
  return {(longitude / (2 * kPi) + 0.5) * size[0], (latitude / kPi + 0.5) * size[1]};
}

Vector2d PlaneFromSphere(const double* size, const Vector2d& point) {
  const double longitude = 2 * kPi * (point.x() / size[0] - 0.5);
  const double latitude = kPi * (point.y() / size[1] - 0.5);
  const double z = std::cos(latitude) * std::cos(longitude);
  if (!(z > 1e-12)) return NoPoint();
  return {std::tan(longitude), std::sin(latitude) / z};
}

Vector2d PlaneFromLens(const Lens& lens, const Vector2d& m) {
  switch (lens.model) {
    case Model::kSimplePinhole:
    case Model::kPinhole:
      return m;
    case Model::kSimpleDivision:
    case Model::kDivision:
      return PlaneFromDivision(lens.p[0], m);
    case Model::kEucm:
      return PlaneFromEucm(lens.p, m);
    case Model::kEquirectangular:
      return PlaneFromSphere(lens.p, m);
    default:
      return lens.IsFisheye() ? PlaneFromAngle(InverseDistort(lens, m)) : InverseDistort(lens, m);
  }
}

Vector2d LensFromPlane(const Lens& lens, const Vector2d& u) {
  switch (lens.model) {
    case Model::kSimpleDivision:
    case Model::kDivision:
      return DivisionFromPlane(lens.p[0], u);
    case Model::kEucm:
      return EucmFromPlane(lens.p, u);
    case Model::kEquirectangular:
      return SphereFromPlane(lens.p, u);
    default:
      return Distort<double>(lens, lens.IsFisheye() ? AngleFromPlane(u) : u);
  }
}

Vector3d NoRay() { return Vector3d::Constant(std::numeric_limits<double>::quiet_NaN()); }

Vector3d RayFromAngle(const Vector2d& u) {
  const double angle = u.norm();
  if (!(angle <= kPi)) return NoRay();
  const double ratio = angle < 1e-12 ? 1 : std::sin(angle) / angle;
  return {ratio * u.x(), ratio * u.y(), std::cos(angle)};
}

Vector2d AngleFromRay(const Vector3d& ray) {
  const double r = std::hypot(ray.x(), ray.y());
  const double angle = std::atan2(r, ray.z());
  return r < 1e-12 * std::abs(ray.z()) && ray.z() > 0 ? Vector2d(ray.head<2>() / ray.z())
                                                      : Vector2d(ray.head<2>() * (angle / r));
}

Vector3d RayFromEucm(const double* p, const Vector2d& m) {
  const double alpha = p[0], rr = p[1] * m.squaredNorm();
  const double inside = 1 - (2 * alpha - 1) * rr;
  if (inside < 0) return NoRay();
  const double z = (1 - alpha * alpha * rr) / (alpha * std::sqrt(inside) + 1 - alpha);
  return Vector3d(m.x(), m.y(), z).normalized();
}

Vector2d EucmFromRay(const double* p, const Vector3d& ray) {
  const double r2 = ray.head<2>().squaredNorm();
  const double depth = p[0] * std::sqrt(p[1] * r2 + ray.z() * ray.z()) + (1 - p[0]) * ray.z();
  return depth > 0 ? Vector2d(ray.head<2>() / depth) : NoPoint();
}

// m (z + sqrt(z^2 - 4 k r^2)) = 2 (x, y), for either sign of z.
Vector2d DivisionFromRay(double k, const Vector3d& ray) {
  const double inside = ray.z() * ray.z() - 4 * k * ray.head<2>().squaredNorm();
  const double depth = inside < 0 ? 0 : ray.z() + std::sqrt(inside);
  return depth > 1e-12 ? Vector2d(ray.head<2>() * (2 / depth)) : NoPoint();
}

Vector3d RayFromSphere(const double* size, const Vector2d& point) {
  const double longitude = 2 * kPi * (point.x() / size[0] - 0.5);
  const double latitude = kPi * (point.y() / size[1] - 0.5);
  return {std::cos(latitude) * std::sin(longitude), std::sin(latitude),
          std::cos(latitude) * std::cos(longitude)};
}

Vector2d SphereFromRay(const double* size, const Vector3d& ray) {
  const double longitude = std::atan2(ray.x(), ray.z());
  const double latitude = std::atan2(ray.y(), std::hypot(ray.x(), ray.z()));
  return {(longitude / (2 * kPi) + 0.5) * size[0], (latitude / kPi + 0.5) * size[1]};
}

Vector3d RayFromLens(const Lens& lens, const Vector2d& m) {
  switch (lens.model) {
    case Model::kSimpleDivision:
    case Model::kDivision:
      return Vector3d(m.x(), m.y(), 1 + lens.p[0] * m.squaredNorm()).normalized();
    case Model::kEucm:
      return RayFromEucm(lens.p, m);
    case Model::kEquirectangular:
      return RayFromSphere(lens.p, m);
    default:
      return lens.IsFisheye() ? RayFromAngle(InverseDistort(lens, m))
                              : PlaneFromLens(lens, m).homogeneous().normalized();
  }
}

Vector2d LensFromRay(const Lens& lens, const Vector3d& ray) {
  switch (lens.model) {
    case Model::kSimpleDivision:
    case Model::kDivision:
      return DivisionFromRay(lens.p[0], ray);
    case Model::kEucm:
      return EucmFromRay(lens.p, ray);
    case Model::kEquirectangular:
      return SphereFromRay(lens.p, ray);
    default:
      if (lens.IsFisheye()) return Distort<double>(lens, AngleFromRay(ray));
      return ray.z() > 1e-12 * ray.norm() ? LensFromPlane(lens, ray.hnormalized()) : NoPoint();
  }
}

}  // namespace

std::vector<Bearing> BearingsOf(const Camera& camera, const std::vector<Vector2d>& points_px) {
  constexpr double kStepPx = 0.05;  // Central differences: their error is some 1e-9 of the derivative.
  const Lens lens = LensOf(camera);
  const auto ray_of = [&lens](double x, double y) {
    return RayFromLens(lens, {(x - lens.cx) / lens.fx, (y - lens.cy) / lens.fy});
  };
  std::vector<Bearing> bearings(points_px.size());
  for (std::size_t i = 0; i < points_px.size(); ++i) {
    const double x = points_px[i].x(), y = points_px[i].y();
    bearings[i].ray = ray_of(x, y);
    bearings[i].per_px << (ray_of(x + kStepPx, y) - ray_of(x - kStepPx, y)) / (2 * kStepPx),
        (ray_of(x, y + kStepPx) - ray_of(x, y - kStepPx)) / (2 * kStepPx);
  }
  return bearings;
}

Vector2d ProjectRay(const Camera& camera, const Vector3d& ray) {
  const Lens lens = LensOf(camera);
  const Vector2d m = LensFromRay(lens, ray);
  return {lens.fx * m.x() + lens.cx, lens.fy * m.y() + lens.cy};
}

std::vector<Vector2d> UndistortToNormalized(const Camera& camera, const std::vector<Vector2d>& points_px) {
  const Lens lens = LensOf(camera);
  std::vector<Vector2d> normalized;
  normalized.reserve(points_px.size());
  for (const Vector2d& point : points_px) {
    normalized.push_back(
        PlaneFromLens(lens, {(point.x() - lens.cx) / lens.fx, (point.y() - lens.cy) / lens.fy}));
  }
  return normalized;
}

Vector2d ProjectNormalized(const Camera& camera, const Vector2d& normalized) {
  const Lens lens = LensOf(camera);
  const Vector2d m = LensFromPlane(lens, normalized);
  return {lens.fx * m.x() + lens.cx, lens.fy * m.y() + lens.cy};
}

}  // namespace colmatch
