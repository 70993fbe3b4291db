// Verification of synthetic pairs with known truth.
#include "geometry/two_view_geometry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "geometry/epipolar.h"
#include "tests/geometry/synthetic_pair.h"
#include "util/error.h"

namespace colmatch {
namespace {

using RowMajor3 = Eigen::Matrix<double, 3, 3, Eigen::RowMajor>;

Eigen::Matrix3d ToEigen(const Matrix3& matrix) { return Eigen::Map<const RowMajor3>(matrix.data()); }

double AngleDeg(const Eigen::Vector3d& a, const Eigen::Vector3d& b) {
  return std::acos(std::clamp(a.normalized().dot(b.normalized()), -1.0, 1.0)) * 180 / M_PI;
}

Eigen::Matrix3d RotationOf(const TwoViewGeometry& geometry) {
  const auto& q = geometry.qvec.value();
  return Eigen::Quaterniond(q[0], q[1], q[2], q[3]).toRotationMatrix();
}

double RotationErrorDeg(const SyntheticPair& pair, const TwoViewGeometry& geometry) {
  return Eigen::AngleAxisd(RotationOf(geometry).transpose() * pair.rotation).angle() * 180 / M_PI;
}

TEST(TwoViewGeometry, ACalibratedGeneralSceneGivesItsPose) {
  const SyntheticPair pair = MakeSyntheticPair({});
  const TwoViewGeometry geometry = Estimate(pair, WithPose());
  EXPECT_EQ(geometry.config, TwoViewConfig::kCalibrated);
  EXPECT_GT(QualityOf(pair, geometry).recall, 0.99);
  EXPECT_GT(QualityOf(pair, geometry).precision, 0.95);
  ASSERT_TRUE(geometry.qvec && geometry.tvec && geometry.E && geometry.F && geometry.H);
  EXPECT_LT(RotationErrorDeg(pair, geometry), 0.2);
  const Eigen::Vector3d translation(geometry.tvec->data());
  EXPECT_NEAR(translation.norm(), 1.0, 1e-9);
  EXPECT_LT(AngleDeg(translation, pair.translation), 1.0);
  // E = [t]x R up to scale and sign.
  const Eigen::Matrix3d expected = (CrossProductMatrix(pair.translation) * pair.rotation).normalized();
  const Eigen::Matrix3d essential = ToEigen(*geometry.E).normalized();
  EXPECT_LT(std::min((essential - expected).norm(), (essential + expected).norm()), 0.02);
}

TEST(TwoViewGeometry, WithoutNoiseAndOutliersThePoseIsExact) {
  SyntheticOptions options;
  options.noise_px = 0;
  options.outlier_ratio = 0;
  const SyntheticPair pair = MakeSyntheticPair(options);
  const TwoViewGeometry geometry = Estimate(pair, WithPose());
  EXPECT_EQ(geometry.inlier_matches, pair.matches);
  EXPECT_LT(RotationErrorDeg(pair, geometry), 1e-3);
  EXPECT_LT(AngleDeg(Eigen::Vector3d(geometry.tvec->data()), pair.translation), 1e-2);
}

TEST(TwoViewGeometry, WithoutPriorFocalLengthTheFundamentalMatrixDecides) {
  SyntheticOptions options;
  options.is_calibrated = false;
  options.params = {800, 500, 375, 0.0};
  const SyntheticPair pair = MakeSyntheticPair(options);
  const TwoViewGeometry geometry = Estimate(pair, WithPose());
  EXPECT_EQ(geometry.config, TwoViewConfig::kUncalibrated);
  EXPECT_FALSE(geometry.E);
  EXPECT_GT(QualityOf(pair, geometry).recall, 0.99);
  // x2^T F x1 = 0 in pixels: sub-pixel for the true matches, and not for the transposed matrix.
  Points2d points1, points2;
  for (std::size_t i = 0; i < pair.matches.size(); ++i) {
    if (!pair.is_inlier[i]) continue;
    points1.push_back(pair.points1[pair.matches[i][0]]);
    points2.push_back(pair.points2[pair.matches[i][1]]);
  }
  const auto median = [](std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    return std::sqrt(values[values.size() / 2]);
  };
  const Eigen::Matrix3d F = ToEigen(geometry.F.value());
  EXPECT_LT(median(SquaredSampsonErrors(F, points1, points2)), 1.0);
  EXPECT_GT(median(SquaredSampsonErrors(F.transpose(), points1, points2)), 5.0);
  // Its intrinsics are in fact right, so the pose is too.
  EXPECT_LT(RotationErrorDeg(pair, geometry), 1.0);
}

TEST(TwoViewGeometry, OneCameraWithoutPriorMakesThePairUncalibrated) {
  SyntheticPair pair = MakeSyntheticPair({});
  pair.camera2.has_prior_focal_length = false;
  EXPECT_EQ(Estimate(pair).config, TwoViewConfig::kUncalibrated);
}

TEST(TwoViewGeometry, AWrongPriorFocalLengthFallsBackToTheFundamentalMatrix) {
  SyntheticOptions options;
  options.params = {800, 500, 375, 0.0};
  options.noise_px = 0.2;
  SyntheticPair pair = MakeSyntheticPair(options);
  pair.camera1.params[0] = 2400;
  pair.camera2.params[0] = 300;
  TwoViewGeometryOptions strict;
  strict.max_error = 1.0;
  EXPECT_EQ(Estimate(pair, strict).config, TwoViewConfig::kUncalibrated);
}

TEST(TwoViewGeometry, PlanesAndRotationsAreTold) {
  const struct {
    SyntheticScene scene;
    TwoViewConfig with_pose;
  } cases[] = {{SyntheticScene::kPlane, TwoViewConfig::kPlanar},
               {SyntheticScene::kRotation, TwoViewConfig::kPanoramic}};
  for (const auto& c : cases) {
    for (const bool is_calibrated : {true, false}) {
      SyntheticOptions options;
      options.scene = c.scene;
      options.is_calibrated = is_calibrated;
      options.params = {800, 500, 375, 0.0};
      options.noise_px = 0.2;
      const SyntheticPair pair = MakeSyntheticPair(options);
      EXPECT_EQ(Estimate(pair).config, TwoViewConfig::kPlanarOrPanoramic);
      const TwoViewGeometry geometry = Estimate(pair, WithPose());
      EXPECT_EQ(geometry.config, c.with_pose);
      EXPECT_GT(QualityOf(pair, geometry).recall, 0.99);
      EXPECT_GT(QualityOf(pair, geometry).precision, 0.9);
      // A rotation's pose is unique; a plane's has two solutions that all points agree with.
      if (c.scene == SyntheticScene::kRotation) {
        EXPECT_LT(RotationErrorDeg(pair, geometry), 0.1);
        EXPECT_EQ(geometry.tvec.value(), (std::array<double, 3>{0, 0, 0}));
      }
    }
  }
}

TEST(TwoViewGeometry, TooFewMatchesAreDegenerateWithoutInliers) {
  const SyntheticPair pair = MakeSyntheticPair({});
  for (const int min_num_inliers : {15, 0}) {
    for (int count = 0; count < 15; ++count) {
      SyntheticPair few = pair;
      few.matches.resize(count);
      TwoViewGeometryOptions options = WithPose();
      options.min_num_inliers = min_num_inliers;
      const TwoViewGeometry geometry = Estimate(few, options);
      if (min_num_inliers == 0 && count >= 4) continue;  // Only that it does not throw.
      EXPECT_EQ(geometry.config, TwoViewConfig::kDegenerate) << count;
      EXPECT_TRUE(geometry.inlier_matches.empty());
      EXPECT_FALSE(geometry.F || geometry.E || geometry.H || geometry.qvec || geometry.tvec);
    }
  }
}

TEST(TwoViewGeometry, RandomMatchesAreDegenerate) {
  SyntheticPair pair = MakeSyntheticPair({});
  for (auto& point : pair.points2) point = Eigen::Vector2d(Uniform(0, 1000), Uniform(0, 750));
  pair.matches.resize(60);
  const TwoViewGeometry geometry = Estimate(pair);
  EXPECT_EQ(geometry.config, TwoViewConfig::kDegenerate);
  EXPECT_TRUE(geometry.inlier_matches.empty());
}

// What a matcher that always answers says of two photos of an object that do not overlap.
TEST(TwoViewGeometry, ManyRandomMatchesHaveAGeometryByColmapsRulesAndNoneByOurs) {
  SyntheticPair pair = MakeSyntheticPair({});
  pair.points1.clear();
  pair.points2.clear();
  pair.matches.clear();
  for (std::uint32_t i = 0; i < 200; ++i) {
    pair.points1.emplace_back(Uniform(400, 600), Uniform(275, 475));
    pair.points2.emplace_back(Uniform(400, 600), Uniform(275, 475));
    pair.matches.push_back({i, i});
  }
  EXPECT_EQ(Estimate(pair).config, TwoViewConfig::kDegenerate);
  EXPECT_TRUE(Estimate(pair).inlier_matches.empty());
  TwoViewGeometryOptions colmap;
  colmap.min_chance_ratio = 0;
  EXPECT_GE(Estimate(pair, colmap).inlier_matches.size(), 15u);
}

TEST(TwoViewGeometry, FewTrueMatchesAmongManyFalseOnesAreMoreThanChance) {
  for (const auto scene : {SyntheticScene::kGeneral, SyntheticScene::kPlane, SyntheticScene::kRotation}) {
    SyntheticOptions options;
    options.scene = scene;
    options.num_inliers = 60;
    options.outlier_ratio = 0.65;
    const SyntheticPair pair = MakeSyntheticPair(options);
    const TwoViewGeometry geometry = Estimate(pair);
    EXPECT_NE(geometry.config, TwoViewConfig::kDegenerate) << static_cast<int>(scene);
    EXPECT_GT(QualityOf(pair, geometry).recall, 0.9) << static_cast<int>(scene);
  }
}

TEST(TwoViewGeometry, DegenerateCoordinatesNeitherThrowNorGiveNan) {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               infinity = std::numeric_limits<double>::infinity();
  const SyntheticPair good = MakeSyntheticPair({});
  const std::vector<std::function<void(Eigen::Vector2d*, int)>> spoils = {
      [](Eigen::Vector2d* p, int) {
        *p = {100, 100};
      },  // one point
      [](Eigen::Vector2d* p, int i) {
        *p = {10.0 * i, 100};
      },  // a line
      [&](Eigen::Vector2d* p, int i) { (*p)(i % 2) = i % 3 ? nan : infinity; },
      [](Eigen::Vector2d* p, int) { *p *= 1e12; }};
  for (const auto& spoil : spoils) {
    for (const bool both : {false, true}) {
      SyntheticPair pair = good;
      for (int i = 0; i < static_cast<int>(pair.points1.size()); ++i) {
        spoil(&pair.points1[i], i);
        if (both) spoil(&pair.points2[i], i);
      }
      const TwoViewGeometry geometry = Estimate(pair, WithPose());
      for (const auto& matrix : {geometry.F, geometry.E, geometry.H}) {
        EXPECT_TRUE(!matrix || ToEigen(*matrix).allFinite());
      }
      EXPECT_TRUE(!geometry.qvec || RotationOf(geometry).allFinite());
    }
  }
}

TEST(TwoViewGeometry, SomeCoordinatesThatAreNotFiniteOnlyLoseTheirMatches) {
  SyntheticPair pair = MakeSyntheticPair({});
  for (int i = 0; i < 10; ++i) pair.points1[i].x() = std::numeric_limits<double>::quiet_NaN();
  const TwoViewGeometry geometry = Estimate(pair);
  EXPECT_EQ(geometry.config, TwoViewConfig::kCalibrated);
  EXPECT_GE(geometry.inlier_matches.size(), 285u);
  EXPECT_GE(geometry.inlier_matches.front()[0], 10u);
}

TEST(TwoViewGeometry, AWatermarkIsToldUnlessDetectionIsOff) {
  SyntheticPair pair = MakeSyntheticPair({});
  // All points in the left border, shifted by (3, 2): border is 0.1 * 1250 px.
  for (std::size_t i = 0; i < pair.matches.size(); ++i) {
    Eigen::Vector2d& point1 = pair.points1[pair.matches[i][0]];
    point1 = Eigen::Vector2d(Uniform(0, 110), Uniform(0, 750));
    pair.points2[pair.matches[i][1]] = point1 + Eigen::Vector2d(3, 2) + NoisePx(0.3);
  }
  TwoViewGeometryOptions options = WithPose();
  const TwoViewGeometry geometry = Estimate(pair, options);
  EXPECT_EQ(geometry.config, TwoViewConfig::kWatermark);
  EXPECT_FALSE(geometry.qvec);
  options.detect_watermark = false;
  EXPECT_NE(Estimate(pair, options).config, TwoViewConfig::kWatermark);
  options.detect_watermark = true;
  options.watermark_border_size = 0.05;
  EXPECT_NE(Estimate(pair, options).config, TwoViewConfig::kWatermark);
}

TEST(TwoViewGeometry, SwappingTheImagesTransposesTheGeometry) {
  const SyntheticPair pair = MakeSyntheticPair({});
  const TwoViewGeometry forward = Estimate(pair, WithPose()), backward = Estimate(Swapped(pair), WithPose());
  EXPECT_EQ(forward.config, backward.config);
  EXPECT_NEAR(forward.inlier_matches.size(), backward.inlier_matches.size(),
              0.01 * forward.inlier_matches.size());
  const Eigen::Matrix3d F = ToEigen(*forward.F).normalized(),
                        transposed = ToEigen(*backward.F).transpose().normalized();
  EXPECT_LT(std::min((F - transposed).norm(), (F + transposed).norm()), 0.02);
  EXPECT_LT(RotationErrorDeg(Swapped(pair), backward), 0.2);
}

TEST(TwoViewGeometry, TheSameSeedGivesTheSameBytes) {
  const SyntheticPair pair = MakeSyntheticPair({});
  const TwoViewGeometry first = Estimate(pair, WithPose());
  for (int i = 0; i < 3; ++i) {
    const TwoViewGeometry again = Estimate(pair, WithPose());
    EXPECT_EQ(again.inlier_matches, first.inlier_matches);
    EXPECT_EQ(again.F, first.F);
    EXPECT_EQ(again.E, first.E);
    EXPECT_EQ(again.H, first.H);
    EXPECT_EQ(again.qvec, first.qvec);
    EXPECT_EQ(again.tvec, first.tvec);
  }
}

TEST(TwoViewGeometry, MultipleModelsAreFoundOneAfterTheOther) {
  SyntheticOptions options;
  options.outlier_ratio = 0;
  const SyntheticPair one = MakeSyntheticPair(options);
  SyntheticPair pair = one;
  const auto offset = static_cast<std::uint32_t>(one.points1.size());
  for (const Eigen::Vector2d& point : one.points1) pair.points1.push_back(point);
  // The second object moved otherwise: mirrored in the second image.
  for (const Eigen::Vector2d& point : one.points2) pair.points2.emplace_back(point.x(), 750 - point.y());
  for (const auto& match : one.matches) pair.matches.push_back({match[0] + offset, match[1] + offset});
  TwoViewGeometryOptions multiple = WithPose();
  EXPECT_LT(Estimate(pair, multiple).inlier_matches.size(), 1.3 * offset);
  multiple.multiple_models = true;
  const TwoViewGeometry geometry = Estimate(pair, multiple);
  EXPECT_EQ(geometry.config, TwoViewConfig::kMultiple);
  EXPECT_GT(geometry.inlier_matches.size(), 1.9 * offset);
  EXPECT_FALSE(geometry.F || geometry.qvec);
  // One model stays what it is.
  EXPECT_EQ(Estimate(one, multiple).config, TwoViewConfig::kCalibrated);
}

TEST(TwoViewGeometry, BadIndicesOptionsAndModelsAreRefused) {
  SyntheticPair pair = MakeSyntheticPair({});
  pair.matches[5][1] = static_cast<std::uint32_t>(pair.points2.size());
  EXPECT_THROW(Estimate(pair), InputError);

  pair = MakeSyntheticPair({});
  TwoViewGeometryOptions options;
  options.max_error = 0;
  EXPECT_THROW(Estimate(pair, options), UsageError);
  options = {};
  options.confidence = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(Estimate(pair, options), UsageError);

  pair.camera1.model_id = 99;  // no model of COLMAP's
  EXPECT_THROW(Estimate(pair), UsageError);
}

TEST(RefineFundamental, NoiseIsAveragedOutAndRankTwoKept) {
  SyntheticOptions options;
  options.outlier_ratio = 0;
  options.params = {800, 500, 375, 0.0};
  const SyntheticPair pair = MakeSyntheticPair(options);
  Points2d points2;
  for (const auto& match : pair.matches) points2.push_back(pair.points2[match[1]]);
  Eigen::Matrix3d K;
  K << 800, 0, 500, 0, 800, 375, 0, 0, 1;
  const Eigen::Matrix3d truth =
      K.inverse().transpose() * CrossProductMatrix(pair.translation) * pair.rotation * K.inverse();
  const auto cost = [&](const Eigen::Matrix3d& F) {
    double sum = 0;
    for (const double error : SquaredSampsonErrors(F, pair.points1, points2)) sum += error;
    return sum;
  };
  Eigen::Matrix3d start = truth.normalized();
  start(2, 2) *= 1.02;
  start(0, 2) *= 1.01;
  const Eigen::Matrix3d refined = RefineFundamental(start, pair.points1, points2, 4.0);
  EXPECT_LT(cost(refined), cost(start));
  EXPECT_LT(cost(refined), cost(truth));  // Fitted to this noise.
  EXPECT_NEAR(refined.norm(), 1.0, 1e-12);
  EXPECT_LT(std::abs((K.transpose() * refined * K).normalized().determinant()), 1e-12);
}

}  // namespace
}  // namespace colmatch
