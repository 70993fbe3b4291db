// Geometry seen from the other image: the equations that must still hold.
#include "database_io/two_view_geometry.h"

#include <gtest/gtest.h>

#include "tests/database_io/database_test_util.h"
#include "util/error.h"

namespace colmatch {
namespace {

using Vector3 = std::array<double, 3>;

Vector3 Times(const Matrix3& m, const Vector3& v) {
  return {m[0] * v[0] + m[1] * v[1] + m[2] * v[2], m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
          m[6] * v[0] + m[7] * v[1] + m[8] * v[2]};
}

double Dot(const Vector3& a, const Vector3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Matrix3 RotationMatrix(const std::array<double, 4>& q) {
  const double w = q[0], x = q[1], y = q[2], z = q[3];
  return {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
          2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
          2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
}

TEST(Inverse, TimesTheMatrixIsTheIdentity) {
  const Matrix3 h = *TestGeometry(0).H;
  const Matrix3 inverse = Inverse(h);
  for (int column = 0; column < 3; ++column) {
    Vector3 unit{};
    unit[column] = 1;
    const Vector3 back = Times(inverse, Times(h, unit));
    for (int row = 0; row < 3; ++row) EXPECT_NEAR(back[row], unit[row], 1e-12);
  }
}

TEST(Inverse, OfASingularMatrixIsRefused) {
  EXPECT_THROW(Inverse(Matrix3{1, 2, 3, 2, 4, 6, 0, 0, 1}), InputError);
  EXPECT_THROW(Inverse(Matrix3{}), InputError);
}

TEST(Inverted, KeepsTheEpipolarConstraintWithTheImagesExchanged) {
  const TwoViewGeometry geometry = TestGeometry(3);
  const TwoViewGeometry inverted = Inverted(geometry);
  const Vector3 x1 = {12, 34, 1}, x2 = {56, -78, 1};
  EXPECT_DOUBLE_EQ(Dot(x2, Times(*geometry.F, x1)), Dot(x1, Times(*inverted.F, x2)));
  EXPECT_DOUBLE_EQ(Dot(x2, Times(*geometry.E, x1)), Dot(x1, Times(*inverted.E, x2)));
  EXPECT_EQ(inverted.inlier_matches, (Matches{{2, 0}, {1, 1}, {0, 2}}));
  EXPECT_EQ(inverted.config, geometry.config);
}

TEST(Inverted, PoseTakesAPointBack) {
  TwoViewGeometry geometry;
  geometry.qvec = {0.8, 0.36, -0.48, 0.0};
  geometry.tvec = {1, 2, -3};
  const TwoViewGeometry inverted = Inverted(geometry);
  const Vector3 point = {0.3, -0.7, 5};
  Vector3 moved = Times(RotationMatrix(*geometry.qvec), point);
  for (int i = 0; i < 3; ++i) moved[i] += (*geometry.tvec)[i];
  Vector3 back = Times(RotationMatrix(*inverted.qvec), moved);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(back[i] + (*inverted.tvec)[i], point[i], 1e-12);
}

TEST(Inverted, TwiceIsTheSame) {
  const TwoViewGeometry geometry = TestGeometry(4);
  const TwoViewGeometry twice = Inverted(Inverted(geometry));
  EXPECT_EQ(twice.inlier_matches, geometry.inlier_matches);
  EXPECT_EQ(twice.F, geometry.F);
  EXPECT_EQ(twice.E, geometry.E);
  EXPECT_EQ(twice.qvec, geometry.qvec);
  for (int i = 0; i < 9; ++i) EXPECT_NEAR((*twice.H)[i], (*geometry.H)[i], 1e-10);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR((*twice.tvec)[i], (*geometry.tvec)[i], 1e-12);
}

TEST(Inverted, LeavesAbsentPartsAbsent) {
  const TwoViewGeometry inverted = Inverted(TwoViewGeometry{});
  EXPECT_FALSE(inverted.F || inverted.E || inverted.H || inverted.qvec || inverted.tvec);
}

}  // namespace
}  // namespace colmatch
