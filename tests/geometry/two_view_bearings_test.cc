// Pairs of cameras whose photos are no plane: what is found, and COLMAP 4's verdict on the same matches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "geometry/bearing_estimators.h"
#include "tests/geometry/pycolmap_verdict.h"
#include "tests/geometry/synthetic_pair.h"

namespace colmatch {
namespace {

struct Lens {
  const char* model;
  std::int64_t width, height;
  std::vector<double> params;
};

Camera MakeCamera(const Lens& lens, camera_t id) {
  Camera camera;
  camera.camera_id = id;
  camera.model_id = static_cast<int>(CameraModelByName(lens.model).id);
  camera.width = lens.width;
  camera.height = lens.height;
  camera.params = lens.params;
  camera.has_prior_focal_length = true;
  return camera;
}

// Spheres, fisheyes that see more than 180 degrees, and strong distortion.
std::vector<Lens> Lenses() {
  return {{"EQUIRECTANGULAR", 2000, 1000, {2000, 1000}},
          {"OPENCV_FISHEYE", 1000, 1000, {300, 300, 500, 500, -0.02, 0.003, 0, 0}},
          {"SIMPLE_FISHEYE", 1000, 1000, {280, 500, 500}},
          {"RADIAL_FISHEYE", 1000, 1000, {320, 500, 500, 0.01, -0.002}},
          {"EUCM", 1000, 800, {300, 300, 500, 400, 0.6, 1.1}},
          {"FOV", 1000, 800, {400, 400, 500, 400, 0.9}},
          {"SIMPLE_DIVISION", 1000, 800, {450, 500, 400, -0.3}},
          {"OPENCV", 1000, 800, {450, 450, 500, 400, -0.25, 0.05, 0.001, -0.002}},
          {"SIMPLE_RADIAL", 1000, 800, {600, 500, 400, -0.1}}};
}

// Points all round the first camera, as far as both see them; at most `max_angle` from both axes.
SyntheticPair MakePair(const Camera& camera1, const Camera& camera2, SyntheticScene scene,
                       double outlier_ratio, double noise_px, int num_inliers = 300, double max_angle = 3.2) {
  SyntheticPair pair;
  pair.camera1 = camera1;
  pair.camera2 = camera2;
  pair.rotation =
      (Eigen::AngleAxisd(0.4, Eigen::Vector3d::UnitY()) * Eigen::AngleAxisd(-0.1, Eigen::Vector3d::UnitX()) *
       Eigen::AngleAxisd(0.15, Eigen::Vector3d::UnitZ()))
          .toRotationMatrix();
  if (scene != SyntheticScene::kRotation) pair.translation = Eigen::Vector3d(-1.0, 0.2, 0.3);
  const double least_z = std::cos(std::min(max_angle, 3.14159));
  const auto anywhere = [least_z](const Camera& camera) {
    for (;;) {
      const Eigen::Vector2d point(Uniform(0, camera.width), Uniform(0, camera.height));
      if (BearingsOf(camera, {point})[0].ray.z() >= least_z) return point;
    }
  };
  while (static_cast<int>(pair.points1.size()) < num_inliers) {
    const Eigen::Vector2d point1 = anywhere(camera1);
    const Eigen::Vector3d ray = BearingsOf(camera1, {point1})[0].ray;
    const Eigen::Vector3d in_camera2 = pair.rotation * (Uniform(3, 9) * ray) + pair.translation;
    const Eigen::Vector2d point2 = ProjectRay(camera2, in_camera2);
    if (!point2.allFinite() || !IsInside(camera2, point2)) continue;
    if (in_camera2.normalized().z() < least_z) continue;
    pair.points1.push_back(point1 + NoisePx(noise_px));
    pair.points2.push_back(point2 + NoisePx(noise_px));
  }
  const auto num_all = static_cast<std::size_t>(num_inliers / (1 - outlier_ratio));
  while (pair.points1.size() < num_all) {
    pair.points1.push_back(anywhere(camera1));
    pair.points2.push_back(anywhere(camera2));
  }
  for (std::uint32_t i = 0; i < num_all; ++i) {
    pair.matches.push_back({i, i});
    pair.is_inlier.push_back(static_cast<int>(i) < num_inliers);
  }
  return pair;
}

TEST(Bearings, AreUndoneByTheProjectionAllOverThePhoto) {
  for (const Lens& lens : Lenses()) {
    SCOPED_TRACE(lens.model);
    const Camera camera = MakeCamera(lens, 1);
    std::vector<Eigen::Vector2d> points;
    for (double x = 0.5; x < static_cast<double>(lens.width); x += 41.7)
      for (double y = 0.5; y < static_cast<double>(lens.height); y += 37.3) points.emplace_back(x, y);
    const Bearings bearings = BearingsOf(camera, points);
    const auto normalized = UndistortToNormalized(camera, points);
    int num_seen = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (!bearings[i].ray.allFinite()) continue;
      ++num_seen;
      EXPECT_NEAR(bearings[i].ray.norm(), 1, 1e-9);
      EXPECT_LT((ProjectRay(camera, 3.7 * bearings[i].ray) - points[i]).norm(), 1e-5)
          << points[i].transpose();
      const Eigen::Vector2d moved(0.3, -0.2);
      const Eigen::Vector3d ray = BearingsOf(camera, {points[i] + moved})[0].ray;
      if (ray.allFinite()) {
        EXPECT_LT((bearings[i].ray + bearings[i].per_px * moved - ray).norm(), 3e-4) << points[i].transpose();
      }
      if (normalized[i].allFinite()) {
        EXPECT_LT((bearings[i].ray.hnormalized() - normalized[i]).norm(), 1e-6 * (1 + normalized[i].norm()));
      }
    }
    EXPECT_GT(num_seen, static_cast<int>(points.size()) / 2);
  }
}

TEST(TwoViewBearings, RightMatchesAreKeptAllRoundTheCameraAndThePoseIsFound) {
  for (const Lens& lens : Lenses()) {
    SCOPED_TRACE(lens.model);
    const SyntheticPair pair =
        MakePair(MakeCamera(lens, 1), MakeCamera(lens, 2), SyntheticScene::kGeneral, 0.4, 0.5);
    const TwoViewGeometry geometry = Estimate(pair, WithPose());
    EXPECT_EQ(geometry.config, TwoViewConfig::kCalibrated);
    EXPECT_GT(QualityOf(pair, geometry).recall, 0.98);
    EXPECT_GT(QualityOf(pair, geometry).precision, 0.9);
    ASSERT_TRUE(geometry.qvec && geometry.tvec && geometry.E);
    EXPECT_EQ(geometry.F.has_value(), CameraModelByName(lens.model).num_focal_lengths > 0);
    const auto& q = *geometry.qvec;
    const Eigen::Quaterniond rotation(q[0], q[1], q[2], q[3]);
    EXPECT_LT(rotation.angularDistance(Eigen::Quaterniond(pair.rotation)), 0.01);
    const Eigen::Vector3d translation(geometry.tvec->data());
    EXPECT_GT(translation.normalized().dot(pair.translation.normalized()), 0.999);
  }
}

TEST(TwoViewBearings, APanoramaThatOnlyTurnedIsPanoramic) {
  const Lens lens = Lenses()[0];
  const SyntheticPair pair =
      MakePair(MakeCamera(lens, 1), MakeCamera(lens, 2), SyntheticScene::kRotation, 0.3, 0.1);
  const TwoViewGeometry geometry = Estimate(pair, WithPose());
  EXPECT_EQ(geometry.config, TwoViewConfig::kPanoramic);
  EXPECT_GT(QualityOf(pair, geometry).recall, 0.98);
}

TEST(TwoViewBearings, APanoramaAndAPinholePhotoOfItAreVerified) {
  const Lens pinhole = {"PINHOLE", 1000, 800, {600, 600, 500, 400}};
  for (const bool pinhole_first : {true, false}) {
    const Camera sphere = MakeCamera(Lenses()[0], 1), flat = MakeCamera(pinhole, 2);
    const SyntheticPair pair = MakePair(pinhole_first ? flat : sphere, pinhole_first ? sphere : flat,
                                        SyntheticScene::kGeneral, 0.4, 0.5);
    const TwoViewGeometry geometry = Estimate(pair);
    EXPECT_EQ(geometry.config, TwoViewConfig::kCalibrated);
    EXPECT_GT(QualityOf(pair, geometry).recall, 0.98);
  }
}

TEST(TwoViewBearings, MatchesByChanceAreNoPair) {
  for (const Lens& lens : {Lenses()[0], Lenses()[1]}) {
    SyntheticPair pair =
        MakePair(MakeCamera(lens, 1), MakeCamera(lens, 2), SyntheticScene::kGeneral, 0, 0.5, 200);
    for (std::size_t i = 0; i < pair.points2.size(); ++i)
      std::swap(pair.points2[i], pair.points2[static_cast<std::size_t>(Uniform(0, 200))]);
    EXPECT_EQ(Estimate(pair).config, TwoViewConfig::kDegenerate) << lens.model;
  }
}

TEST(TwoViewBearings, ASeedGivesTheSameGeometry) {
  const Lens lens = Lenses()[0];
  const SyntheticPair pair =
      MakePair(MakeCamera(lens, 1), MakeCamera(lens, 2), SyntheticScene::kGeneral, 0.4, 1.0);
  const TwoViewGeometry a = Estimate(pair), b = Estimate(pair);
  EXPECT_EQ(a.E, b.E);
  EXPECT_EQ(a.inlier_matches, b.inlier_matches);
}

TEST(TwoViewBearingsJudge, PycolmapKeepsTheSameMatchesOfEveryLens) {
  const char* python = std::getenv("COLMATCH_PYCOLMAP_PYTHON");
  if (!python) GTEST_SKIP() << "COLMATCH_PYCOLMAP_PYTHON does not name a Python with pycolmap";
  std::vector<SyntheticPair> pairs;
  std::vector<std::string> names;
  for (const Lens& lens : Lenses()) {
    // Of all lenses but spheres COLMAP takes no point 90 degrees and more from the axis, which we do.
    const double max_angle = IsSpherical(MakeCamera(lens, 1)) ? 3.2 : 1.45;
    for (const double outlier_ratio : {0.2, 0.5}) {
      pairs.push_back(MakePair(MakeCamera(lens, 1), MakeCamera(lens, 2), SyntheticScene::kGeneral,
                               outlier_ratio, outlier_ratio > 0.3 ? 0.5 : 1.0, 500, max_angle));
      names.push_back(lens.model + std::string(" outliers ") + std::to_string(outlier_ratio));
    }
  }
  const std::vector<Verdict> verdicts = AskPycolmap(python, pairs);
  ASSERT_EQ(verdicts.size(), pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    SCOPED_TRACE(names[i]);
    const TwoViewGeometry geometry = Estimate(pairs[i], WithPose());
    TwoViewGeometry judged;
    judged.inlier_matches = verdicts[i].inlier_matches;
    EXPECT_EQ(static_cast<int>(geometry.config), verdicts[i].config);
    EXPECT_NEAR(QualityOf(pairs[i], geometry).recall, QualityOf(pairs[i], judged).recall, 0.02);
    EXPECT_NEAR(geometry.inlier_matches.size(), judged.inlier_matches.size(),
                0.02 * static_cast<double>(judged.inlier_matches.size()));
    RecordProperty(std::to_string(i), static_cast<int>(geometry.inlier_matches.size()));
  }
}

}  // namespace
}  // namespace colmatch
