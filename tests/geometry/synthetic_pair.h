// Two synthetic cameras and their matched points with known geometry, noise and outliers.
#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>
#include <random>
#include <set>
#include <vector>

#include "geometry/two_view_geometry.h"
#include "geometry/undistort.h"
#include "tests/test_seed.h"
#include "util/colmap_types.h"

namespace colmatch {

enum class SyntheticScene { kGeneral, kPlane, kRotation };

struct SyntheticOptions {
  SyntheticScene scene = SyntheticScene::kGeneral;
  int num_inliers = 300;
  double outlier_ratio = 0.3;  // of all matches
  double noise_px = 0.5;       // standard deviation
  bool is_calibrated = true;
  std::vector<double> params = {800, 500, 375, -0.05};  // SIMPLE_RADIAL, 1000x750 px
};

struct SyntheticPair {
  Camera camera1, camera2;
  std::vector<Eigen::Vector2d> points1, points2;
  Matches matches;
  std::vector<bool> is_inlier;  // per match
  Eigen::Matrix3d rotation;     // of cam2_from_cam1
  Eigen::Vector3d translation{0.0, 0.0, 0.0};
};

inline double Uniform(double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(TestRng());
}

inline Eigen::Vector2d NoisePx(double sigma) {
  std::normal_distribution<double> normal(0.0, 1.0);
  return sigma * Eigen::Vector2d(normal(TestRng()), normal(TestRng()));
}

inline bool IsInside(const Camera& camera, const Eigen::Vector2d& point) {
  return point.x() > 0 && point.y() > 0 && point.x() < camera.width && point.y() < camera.height;
}

// Keypoints are in another order in each image, so that an index mistaken for the other shows.
inline SyntheticPair MakeSyntheticPair(const SyntheticOptions& options) {
  SyntheticPair pair;
  pair.camera1.camera_id = 1;
  pair.camera1.model_id = 2;
  pair.camera1.width = 1000;
  pair.camera1.height = 750;
  pair.camera1.params = options.params;
  pair.camera1.has_prior_focal_length = options.is_calibrated;
  pair.camera2 = pair.camera1;
  pair.camera2.camera_id = 2;

  pair.rotation =
      (Eigen::AngleAxisd(0.15, Eigen::Vector3d::UnitY()) *
       Eigen::AngleAxisd(-0.05, Eigen::Vector3d::UnitX()) * Eigen::AngleAxisd(0.1, Eigen::Vector3d::UnitZ()))
          .toRotationMatrix();
  if (options.scene != SyntheticScene::kRotation) pair.translation = Eigen::Vector3d(-1.0, 0.2, 0.3);

  std::vector<Eigen::Vector2d> points1, points2;
  while (static_cast<int>(points1.size()) < options.num_inliers) {
    const Eigen::Vector2d point1(Uniform(0, 1000), Uniform(0, 750));
    const Eigen::Vector3d ray = UndistortToNormalized(pair.camera1, {point1})[0].homogeneous();
    // The plane is tilted, so that it is not parallel to the images.
    const double depth =
        options.scene == SyntheticScene::kPlane ? 5.0 / (1 + 0.3 * ray.x() - 0.2 * ray.y()) : Uniform(3, 9);
    const Eigen::Vector3d in_camera2 = pair.rotation * (depth * ray) + pair.translation;
    if (in_camera2.z() < 0.1) continue;
    const Eigen::Vector2d point2 = ProjectNormalized(pair.camera2, in_camera2.hnormalized());
    if (!IsInside(pair.camera2, point2)) continue;
    points1.push_back(point1 + NoisePx(options.noise_px));
    points2.push_back(point2 + NoisePx(options.noise_px));
  }
  const int num_all = static_cast<int>(options.num_inliers / (1 - options.outlier_ratio));
  while (static_cast<int>(points1.size()) < num_all) {
    points1.emplace_back(Uniform(0, 1000), Uniform(0, 750));
    points2.emplace_back(Uniform(0, 1000), Uniform(0, 750));
  }
  pair.points1 = points1;
  pair.points2.assign(points2.rbegin(), points2.rend());
  for (int i = 0; i < num_all; ++i) {
    pair.matches.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(num_all - 1 - i)});
    pair.is_inlier.push_back(i < options.num_inliers);
  }
  return pair;
}

// The same pair seen from the other image.
inline SyntheticPair Swapped(const SyntheticPair& pair) {
  SyntheticPair swapped = pair;
  std::swap(swapped.camera1, swapped.camera2);
  std::swap(swapped.points1, swapped.points2);
  for (auto& match : swapped.matches) std::swap(match[0], match[1]);
  swapped.rotation = pair.rotation.transpose();
  swapped.translation = -swapped.rotation * pair.translation;
  return swapped;
}

inline TwoViewGeometry Estimate(const SyntheticPair& pair, const TwoViewGeometryOptions& options = {}) {
  return EstimateTwoViewGeometry(pair.camera1, pair.points1, pair.camera2, pair.points2, pair.matches,
                                 options);
}

inline TwoViewGeometryOptions WithPose() {
  TwoViewGeometryOptions options;
  options.compute_relative_pose = true;
  return options;
}

// Share of the true inliers found, and of the found ones that are true.
struct Quality {
  double recall = 0, precision = 0;
};

inline Quality QualityOf(const SyntheticPair& pair, const TwoViewGeometry& geometry) {
  const std::set<Matches::value_type> found(geometry.inlier_matches.begin(), geometry.inlier_matches.end());
  double num_true = 0, num_hit = 0;
  for (std::size_t i = 0; i < pair.matches.size(); ++i) {
    num_true += pair.is_inlier[i];
    num_hit += pair.is_inlier[i] && found.count(pair.matches[i]);
  }
  return {num_hit / num_true, num_hit / static_cast<double>(found.size())};
}

}  // namespace colmatch
