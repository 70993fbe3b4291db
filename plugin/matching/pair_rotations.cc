// Rotations from two-view geometries; see pair_rotations.h.
#include "plugin/matching/pair_rotations.h"

#include <Eigen/Geometry>
#include <Eigen/LU>
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "geometry/camera.h"
#include "geometry/relative_pose.h"
#include "plugin/extraction/colmap_convert.h"

namespace colmatch {
namespace {

// What is needed of a photo.
struct Photo {
  Camera camera;
  std::vector<Eigen::Vector2d> points;  // px, COLMAP's
  std::set<uint32_t> verified;          // keypoints that some pair verified
};

// Keypoints of inliers as directions.
Rays RaysOf(const Photo& photo, const Eigen::Matrix3d& inverse, const Matches& inliers, size_t side) {
  Rays rays;
  for (const auto& match : inliers) rays.push_back(inverse * photo.points[match[side]].homogeneous());
  return rays;
}

Eigen::Matrix3d MatrixOf(const Matrix3& values) {
  Eigen::Matrix3d matrix;
  for (int k = 0; k < 9; ++k) matrix(k / 3, k % 3) = values[static_cast<size_t>(k)];
  return matrix;
}

bool HasPinhole(const Camera& camera) { return !IsSpherical(camera) && IsUndistorted(camera); }

// The likeliest first.
std::vector<Eigen::Matrix3d> Rotations(const Photo& a, const Photo& b, const TwoViewGeometry& geometry) {
  if (geometry.qvec) {
    const auto& q = *geometry.qvec;
    return {Eigen::Quaterniond(q[0], q[1], q[2], q[3]).normalized().toRotationMatrix()};
  }
  if (!HasPinhole(a.camera) || !HasPinhole(b.camera)) return {};
  const Eigen::Matrix3d k1 = CalibrationMatrix(a.camera), k2 = CalibrationMatrix(b.camera);
  const Eigen::Matrix3d inverse1 = k1.inverse(), inverse2 = k2.inverse();
  const Rays rays1 = RaysOf(a, inverse1, geometry.inlier_matches, 0);
  const Rays rays2 = RaysOf(b, inverse2, geometry.inlier_matches, 1);
  std::vector<Eigen::Matrix3d> rotations;
  const auto add = [&](const std::optional<RelativePose>& pose) {
    if (pose) rotations.push_back(pose->rotation);
  };
  std::optional<RelativePose> of_depth, of_plane;
  if (geometry.E) {
    of_depth = PoseFromEssential(MatrixOf(*geometry.E), rays1, rays2);
  } else if (geometry.F) {
    of_depth = PoseFromEssential(k2.transpose() * MatrixOf(*geometry.F) * k1, rays1, rays2);
  }
  if (geometry.H) of_plane = PoseFromHomography(inverse2 * MatrixOf(*geometry.H) * k1, rays1, rays2);
  const bool plane_first = geometry.config == TwoViewConfig::kPlanar ||
                           geometry.config == TwoViewConfig::kPanoramic ||
                           geometry.config == TwoViewConfig::kPlanarOrPanoramic;
  add(plane_first ? of_plane : of_depth);
  // The other is a second choice only where the scene is a plane: elsewhere H explains a part of it.
  if (plane_first) add(of_depth);
  return rotations;
}

}  // namespace

std::vector<RotationEdge> RotationsOfPairs(ColmapDatabase& database, const std::vector<Image>& images) {
  std::map<camera_t, Camera> cameras;
  for (const Camera& camera : database.Cameras()) cameras[camera.camera_id] = camera;
  std::map<image_t, int> index;
  std::vector<Photo> photos(images.size());
  for (size_t i = 0; i < images.size(); ++i) {
    index[images[i].image_id] = static_cast<int>(i);
    photos[i].camera = cameras.at(images[i].camera_id);
  }
  std::vector<std::pair<RotationEdge, TwoViewGeometry>> pairs;
  for (const auto& [id1, id2] : database.VerifiedPairs()) {
    const auto a = index.find(id1), b = index.find(id2);
    if (a == index.end() || b == index.end()) continue;
    pairs.push_back({{a->second, b->second, {}, 0, 1}, database.ReadTwoViewGeometry(id1, id2)});
    for (const auto& match : pairs.back().second.inlier_matches) {
      photos[a->second].verified.insert(match[0]);
      photos[b->second].verified.insert(match[1]);
    }
  }
  for (size_t i = 0; i < images.size(); ++i) {
    if (!photos[i].verified.empty())
      photos[i].points = PointsInColmap(database.ReadKeypoints(images[i].image_id));
  }
  std::vector<RotationEdge> edges;
  for (auto& [edge, geometry] : pairs) {
    const Photo &a = photos[edge.i], &b = photos[edge.j];
    edge.num_inliers = static_cast<double>(geometry.inlier_matches.size());
    edge.share = edge.num_inliers / static_cast<double>(std::max(a.verified.size(), b.verified.size()));
    edge.rotations = Rotations(a, b, geometry);
    edges.push_back(std::move(edge));
  }
  return edges;
}

}  // namespace colmatch
