// Rotations around the graph; see pair_consistency.h.
#include "plugin/pairs/pair_consistency.h"

#include <Eigen/Geometry>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <tuple>

#include "util/error.h"

namespace colmatch {
namespace {

using Rotations = std::vector<Eigen::Matrix3d>;

double AngleDeg(const Eigen::Matrix3d& rotation) {
  const double cosine = std::clamp((rotation.trace() - 1) / 2, -1.0, 1.0);
  return std::acos(cosine) * 180 / EIGEN_PI;
}

double Weight(const RotationEdge& edge) { return edge.num_inliers * edge.share; }

// The edge's choice that fits the cameras best, and how far it is off.
std::pair<const Eigen::Matrix3d*, double> BestChoice(const RotationEdge& edge, const Rotations& cameras) {
  std::pair<const Eigen::Matrix3d*, double> best{nullptr, 360};
  const Eigen::Matrix3d seen = cameras[edge.j] * cameras[edge.i].transpose();
  for (const Eigen::Matrix3d& rotation : edge.rotations) {
    const double off = AngleDeg(rotation.transpose() * seen);
    if (off < best.second) best = {&rotation, off};
  }
  return best;
}

// Kruskal's: the strongest edges that close no ring.
std::vector<const RotationEdge*> StrongestForest(int num_photos, const std::vector<RotationEdge>& edges) {
  std::vector<const RotationEdge*> order;
  for (const RotationEdge& edge : edges) {
    if (!edge.rotations.empty()) order.push_back(&edge);
  }
  std::sort(order.begin(), order.end(), [](const RotationEdge* a, const RotationEdge* b) {
    return std::tuple(-Weight(*a), a->i, a->j) < std::tuple(-Weight(*b), b->i, b->j);
  });
  std::vector<int> parent(static_cast<size_t>(num_photos));
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&](int photo) {
    while (parent[photo] != photo) photo = parent[photo] = parent[parent[photo]];
    return photo;
  };
  std::vector<const RotationEdge*> forest;
  for (const RotationEdge* edge : order) {
    const int a = root(edge->i), b = root(edge->j);
    if (a == b) continue;
    parent[a] = b;
    forest.push_back(edge);
  }
  return forest;
}

// Rotations of the cameras along the forest, the first photo of each tree as it is.
Rotations AlongForest(int num_photos, const std::vector<const RotationEdge*>& forest) {
  std::vector<std::vector<const RotationEdge*>> at(static_cast<size_t>(num_photos));
  for (const RotationEdge* edge : forest) {
    at[edge->i].push_back(edge);
    at[edge->j].push_back(edge);
  }
  Rotations cameras(static_cast<size_t>(num_photos), Eigen::Matrix3d::Identity());
  std::vector<bool> known(static_cast<size_t>(num_photos), false);
  std::vector<int> waiting;
  for (int start = 0; start < num_photos; ++start) {
    if (known[start]) continue;
    known[start] = true;
    waiting.push_back(start);
    while (!waiting.empty()) {
      const int photo = waiting.back();
      waiting.pop_back();
      for (const RotationEdge* edge : at[photo]) {
        const int other = edge->i == photo ? edge->j : edge->i;
        if (known[other]) continue;
        known[other] = true;
        const Eigen::Matrix3d& rotation = edge->rotations.front();
        cameras[other] = edge->i == photo ? Eigen::Matrix3d(rotation * cameras[photo])
                                          : Eigen::Matrix3d(rotation.transpose() * cameras[photo]);
        waiting.push_back(other);
      }
    }
  }
  return cameras;
}

// Each photo's edges.
using EdgesOfPhotos = std::vector<std::vector<const RotationEdge*>>;

// The mean of what a photo's edges say, each the less heard the farther it is off (Geman and McClure): what
// contradicts the rest does not pull it.
Eigen::Matrix3d Mean(int photo, const std::vector<const RotationEdge*>& edges, double scale_deg,
                     const Rotations& cameras) {
  Eigen::Matrix3d sum = Eigen::Matrix3d::Zero();
  for (const RotationEdge* edge : edges) {
    const auto [rotation, off] = BestChoice(*edge, cameras);
    if (rotation == nullptr) continue;
    const double ratio = off / scale_deg,
                 weight = Weight(*edge) / ((1 + ratio * ratio) * (1 + ratio * ratio));
    if (edge->i == photo) {
      sum += weight * (rotation->transpose() * cameras[edge->j]);
    } else {
      sum += weight * (*rotation * cameras[edge->i]);
    }
  }
  if (sum.isZero(0)) return cameras[photo];
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(sum, Eigen::ComputeFullU | Eigen::ComputeFullV);
  const Eigen::Matrix3d mean = svd.matrixU() * svd.matrixV().transpose();
  return mean.determinant() > 0 ? mean : cameras[photo];
}

// One camera after the other, forwards and backwards. Nearly all edges are heard at first: where focal
// lengths are wrong, a ring of true pairs does not close by some ten degrees, which are to be shared out, not
// left to the pair that the forest lacks.
void Average(const std::vector<RotationEdge>& edges, int num_sweeps, Rotations& cameras) {
  constexpr double kFirstScaleDeg = 60, kLastScaleDeg = 8;
  EdgesOfPhotos at(cameras.size());
  for (const RotationEdge& edge : edges) {
    at[edge.i].push_back(&edge);
    at[edge.j].push_back(&edge);
  }
  const int n = static_cast<int>(cameras.size());
  for (int sweep = 0; sweep < num_sweeps; ++sweep) {
    const double scale_deg =
        kFirstScaleDeg * std::pow(kLastScaleDeg / kFirstScaleDeg, double(sweep) / num_sweeps);
    for (int k = 0; k < n; ++k) {
      const int photo = sweep % 2 == 0 ? k : n - 1 - k;
      cameras[photo] = Mean(photo, at[photo], scale_deg, cameras);
    }
  }
}

}  // namespace

void PairConsistencyOptions::Validate() const {
  if (!(max_off_deg > 0 && max_off_deg <= 180))
    throw UsageError("--PairConsistency.max_off_deg must be above 0 and at most 180 degrees, found " +
                     std::to_string(max_off_deg));
  if (num_sweeps < 0 || num_sweeps > 10000)
    throw UsageError("--PairConsistency.num_sweeps must be in [0, 10000], found " +
                     std::to_string(num_sweeps));
}

std::vector<InconsistentPair> FindInconsistentPairs(int num_photos, const std::vector<RotationEdge>& edges,
                                                    const PairConsistencyOptions& options) {
  options.Validate();
  Rotations cameras = AlongForest(num_photos, StrongestForest(num_photos, edges));
  Average(edges, options.num_sweeps, cameras);
  std::vector<InconsistentPair> found;
  for (const RotationEdge& edge : edges) {
    if (edge.num_inliers < options.min_num_inliers) continue;
    const auto [rotation, off] = BestChoice(edge, cameras);
    if (rotation != nullptr && off > options.max_off_deg) found.push_back({edge.i, edge.j, off});
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return std::tie(a.i, a.j) < std::tie(b.i, b.j); });
  return found;
}

}  // namespace colmatch
