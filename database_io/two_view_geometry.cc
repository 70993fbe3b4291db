// Two-view geometry seen from the other image.
#include "database_io/two_view_geometry.h"

#include <cmath>
#include <utility>

#include "util/error.h"

namespace colmatch {
namespace {

// Rotates v by the unit quaternion q (w, x, y, z): v + 2 w (u x v) + 2 u x (u x v).
std::array<double, 3> Rotate(const std::array<double, 4>& q, const std::array<double, 3>& v) {
  const double w = q[0], x = q[1], y = q[2], z = q[3];
  const std::array<double, 3> t = {2 * (y * v[2] - z * v[1]), 2 * (z * v[0] - x * v[2]),
                                   2 * (x * v[1] - y * v[0])};
  return {v[0] + w * t[0] + (y * t[2] - z * t[1]), v[1] + w * t[1] + (z * t[0] - x * t[2]),
          v[2] + w * t[2] + (x * t[1] - y * t[0])};
}

}  // namespace

Matrix3 Transposed(const Matrix3& m) { return {m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]}; }

Matrix3 Inverse(const Matrix3& m) {
  const Matrix3 adjugate = {m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
                            m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
                            m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
  const double determinant = m[0] * adjugate[0] + m[1] * adjugate[3] + m[2] * adjugate[6];
  Matrix3 inverse;
  for (size_t i = 0; i < inverse.size(); ++i) {
    inverse[i] = adjugate[i] / determinant;
    if (!std::isfinite(inverse[i])) throw InputError("a homography is singular, so it has no inverse");
  }
  return inverse;
}

TwoViewGeometry Inverted(const TwoViewGeometry& geometry) {
  TwoViewGeometry inverted = geometry;
  for (auto& match : inverted.inlier_matches) std::swap(match[0], match[1]);
  if (geometry.F) inverted.F = Transposed(*geometry.F);
  if (geometry.E) inverted.E = Transposed(*geometry.E);
  if (geometry.H) inverted.H = Inverse(*geometry.H);
  if (geometry.qvec) {
    const auto& q = *geometry.qvec;
    inverted.qvec = {q[0], -q[1], -q[2], -q[3]};
    if (geometry.tvec) {
      const auto t = Rotate(*inverted.qvec, *geometry.tvec);
      inverted.tvec = {-t[0], -t[1], -t[2]};
    }
  }
  return inverted;
}

}  // namespace colmatch
