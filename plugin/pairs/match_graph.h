// Which photos of a collection are verified with which, and how well that joins them.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

namespace colmatch {

// Photos are indices from 0; an edge is a verified pair with its number of inliers. Answers depend on the
// edges alone, not on the order in which they came.
class MatchGraph {
 public:
  explicit MatchGraph(int num_photos) : neighbors_(static_cast<size_t>(num_photos)) {}

  // a != b, num_inliers > 0. A pair that is there gets the new number.
  void Join(int a, int b, int num_inliers);

  int num_photos() const { return static_cast<int>(neighbors_.size()); }
  int num_edges() const { return num_edges_; }
  int Degree(int photo) const { return static_cast<int>(neighbors_[static_cast<size_t>(photo)].size()); }
  // The photos it is verified with, and by how many inliers.
  const std::map<int, int>& Neighbors(int photo) const { return neighbors_[static_cast<size_t>(photo)]; }

  // Of each photo the smallest photo of its group: those that a way over edges leads to.
  std::vector<int> Groups() const;
  // The same for ways that are still there when any one edge is taken out. One wrong or weak pair can then
  // neither join nor part a group. A photo with a single edge is a group of its own.
  std::vector<int> WellJoinedGroups() const;

 private:
  std::vector<std::map<int, int>> neighbors_;
  int num_edges_ = 0;
};

int NumGroups(const std::vector<int>& groups);

}  // namespace colmatch
