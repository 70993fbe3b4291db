// Decompositions and the choice among them by points in front of both cameras.
#include "geometry/relative_pose.h"

#include <Eigen/LU>
#include <Eigen/SVD>
#include <algorithm>
#include <opencv2/calib3d.hpp>
#include <opencv2/core/eigen.hpp>
#include <vector>

namespace colmatch {
namespace {

int NumPointsInFront(const RelativePose& pose, const Rays& rays1, const Rays& rays2) {
  const double max_depth = 1000.0 * pose.translation.norm();
  int count = 0;
  for (std::size_t i = 0; i < rays1.size(); ++i) {
    // depth2 * x2 = depth1 * R x1 + t, in the least squares sense.
    const Eigen::Vector3d ray1 = pose.rotation * rays1[i];
    const Eigen::Vector3d ray2 = rays2[i];
    const double a11 = ray1.squaredNorm(), a12 = -ray1.dot(ray2), a22 = ray2.squaredNorm();
    const double b1 = -ray1.dot(pose.translation), b2 = ray2.dot(pose.translation);
    const double determinant = a11 * a22 - a12 * a12;
    const double depth1 = (a22 * b1 - a12 * b2) / determinant;
    const double depth2 = (a11 * b2 - a12 * b1) / determinant;
    count += depth1 > 0 && depth2 > 0 && depth1 < max_depth && depth2 < max_depth;
  }
  return count;
}

std::optional<RelativePose> MostPointsInFront(const std::vector<RelativePose>& poses, const Rays& rays1,
                                              const Rays& rays2) {
  std::optional<RelativePose> best;
  int best_count = 0;
  for (const RelativePose& pose : poses) {
    const int count = NumPointsInFront(pose, rays1, rays2);
    if (count <= best_count) continue;
    best_count = count;
    best = pose;
  }
  return best;
}

// Scale 1 for a rotation, and the sign that keeps points in front of the cameras.
Eigen::Matrix3d NormalizeHomography(const Eigen::Matrix3d& homography, const Rays& rays1, const Rays& rays2) {
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(homography);
  Eigen::Matrix3d normalized = homography / svd.singularValues()(1);
  long num_positive = 0;
  for (std::size_t i = 0; i < rays1.size(); ++i) {
    num_positive += rays2[i].dot(normalized * rays1[i]) > 0 ? 1 : -1;
  }
  return num_positive < 0 ? Eigen::Matrix3d(-normalized) : normalized;
}

}  // namespace

Eigen::Matrix3d CalibrationMatrix(const Camera& camera) {
  CheckCamera(camera);
  const int num_focal = CameraModelById(camera.model_id).num_focal_lengths;
  Eigen::Matrix3d matrix = Eigen::Matrix3d::Identity();
  if (num_focal == 0) {  // A sphere has none; this one is right where the camera looks.
    matrix(0, 0) = matrix(1, 1) = MeanFocalLength(camera);
    matrix(0, 2) = static_cast<double>(camera.width) / 2;
    matrix(1, 2) = static_cast<double>(camera.height) / 2;
    return matrix;
  }
  matrix(0, 0) = camera.params[0];
  matrix(1, 1) = camera.params[num_focal - 1];
  matrix(0, 2) = camera.params[num_focal];
  matrix(1, 2) = camera.params[num_focal + 1];
  return matrix;
}

std::optional<RelativePose> PoseFromEssential(const Eigen::Matrix3d& essential, const Rays& rays1,
                                              const Rays& rays2) {
  Eigen::Matrix3d rotation1, rotation2;
  Eigen::Vector3d translation;
  DecomposeEssential(essential, &rotation1, &rotation2, &translation);
  return MostPointsInFront({{rotation1, translation},
                            {rotation2, translation},
                            {rotation1, -translation},
                            {rotation2, -translation}},
                           rays1, rays2);
}

std::optional<RelativePose> PoseFromHomography(const Eigen::Matrix3d& homography, const Rays& rays1,
                                               const Rays& rays2) {
  constexpr double kRotationTolerance = 1e-3;
  const Eigen::Matrix3d normalized = NormalizeHomography(homography, rays1, rays2);
  if (!normalized.allFinite()) return std::nullopt;
  const Eigen::Matrix3d from_rotation = normalized.transpose() * normalized - Eigen::Matrix3d::Identity();
  if (from_rotation.cwiseAbs().maxCoeff() < kRotationTolerance) {
    const Eigen::JacobiSVD<Eigen::Matrix3d> svd(normalized, Eigen::ComputeFullU | Eigen::ComputeFullV);
    const Eigen::Matrix3d rotation = svd.matrixU() * svd.matrixV().transpose();
    if (rotation.determinant() < 0) return std::nullopt;  // A mirror image.
    return RelativePose{rotation, Eigen::Vector3d::Zero()};
  }
  cv::Mat matrix;
  cv::eigen2cv(normalized, matrix);
  std::vector<cv::Mat> rotations, translations, normals;
  cv::decomposeHomographyMat(matrix, cv::Mat::eye(3, 3, CV_64F), rotations, translations, normals);
  std::vector<RelativePose> poses(rotations.size());
  for (std::size_t i = 0; i < poses.size(); ++i) {
    cv::cv2eigen(rotations[i], poses[i].rotation);
    cv::cv2eigen(translations[i], poses[i].translation);
  }
  return MostPointsInFront(poses, rays1, rays2);
}

}  // namespace colmatch
