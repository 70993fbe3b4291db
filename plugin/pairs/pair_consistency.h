// Pairs whose geometry contradicts that of the others: where a building has alike sides, or a window comes
// again, photos of different places are verified with each other. Each such pair is sound by itself; only a
// way round over other pairs shows that the cameras cannot stand so.
//
// Rotations alone, because two views give them whole. From the pairs with the most inliers for what there is
// to match, a tree is made, the rotations of all cameras are averaged over the pairs that agree with it,
// robustly, and pairs that are still off by more than max_off_deg are named. Any length of a way round
// counts, not triangles only: three photos of one facade and one of its twin agree with each other.
//
// What it cannot see: alike places that face the same way (the windows of one long facade), and photos that
// only a wrong pair joins to the rest.
#pragma once

#include <Eigen/Core>
#include <vector>

namespace colmatch {

struct RotationEdge {
  int i = 0, j = 0;  // photos
  // Of camera j from camera i. Several where the pair's geometry leaves a choice (planes): the first is the
  // likeliest.
  std::vector<Eigen::Matrix3d> rotations;
  double num_inliers = 0;
  double share =
      1;  // of the structure in both photos that other pairs verified too: how much of it this pair has
};

struct PairConsistencyOptions {
  double max_off_deg = 40;  // wide: of unknown focal lengths rotations are known to some degrees only
  int num_sweeps = 200;
  // Pairs with fewer are not named: F of 20 points gives a rotation that is off by anything, of true pairs
  // too.
  double min_num_inliers = 50;

  void Validate() const;  // throws UsageError naming option, value and range
};

struct InconsistentPair {
  int i = 0, j = 0;
  double off_deg = 0;
};

// By rising i, j. Edges without rotations say nothing and are never named.
std::vector<InconsistentPair> FindInconsistentPairs(int num_photos, const std::vector<RotationEdge>& edges,
                                                    const PairConsistencyOptions& options = {});

}  // namespace colmatch
