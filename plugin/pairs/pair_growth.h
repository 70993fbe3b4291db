// Selects the pairs of a collection that are worth matching, round by round, from the pairs verified so far.
// The class does not know photos, networks or the database: the caller matches the pairs and reports their
// inliers, so a test can replace the matcher.
//
// Round 1: each photo with the most similar photos. Every later round uses the graph of verified pairs:
//   - A photo with fewer than num_neighbors verified pairs requests neighbours of its neighbours. Those that
//     share the most inliers with it via a third photo come first. The photo stops after two rounds that gave
//     it no verified pair.
//   - A group of photos that is connected to the others by at most one pair (often a single photo) requests
//     the most similar pairs that lead out of the group.
// Ends if no photo requests a pair, after two rounds without a verified pair, or after num_rounds.
//
// The number of pairs is linear in the number of photos: per photo at most num_similar in the first round and
// (num_similar + num_neighbors) in each later round.
#pragma once

#include <set>
#include <vector>

#include "plugin/pairs/match_graph.h"
#include "plugin/pairs/pair_source.h"
#include "util/option_declaration.h"

namespace colmatch {

// Names are those of --GraphMatching.*.
struct PairGrowthOptions {
  int num_similar = 12;
  int num_neighbors = 20;
  int num_rounds = 10;

  static constexpr Declaration<int> kNumSimilar{
      "--GraphMatching.num_similar",
      "number of most similar photos with which each photo is matched in the first round",
      {1, 10000}};
  static constexpr Declaration<int> kNumNeighbors{
      "--GraphMatching.num_neighbors",
      "number of verified pairs at which a photo requests no more",
      {1, 10000}};
  static constexpr Declaration<int> kNumRounds{
      "--GraphMatching.num_rounds", "maximum number of rounds, including the first", {1, 1000}};
  void Validate() const;  // throws UsageError naming option, value and range
};

// The number of most similar photos per photo that the constructor of PairGrowth needs.
int NumSimilarNeeded(const PairGrowthOptions& options);

class PairGrowth {
 public:
  // by_look: for each photo the similar photos, most similar first. Throws UsageError like Validate.
  PairGrowth(std::vector<std::vector<int>> by_look, const PairGrowthOptions& options);

  // The next round's pairs, sorted, with first < second, without pairs of earlier rounds. Empty: finished.
  std::vector<ImagePair> NextRound();
  // Reports the number of inliers of a pair; 0: not verified. Call it for all pairs of a round before the
  // next round.
  void Tell(const ImagePair& pair, int num_inliers);

  int round() const { return round_; }  // of the pairs returned last, from 1
  const MatchGraph& graph() const { return graph_; }
  size_t num_asked() const { return asked_.size(); }

 private:
  void AskByLook(std::set<ImagePair>& pairs) const;
  void AskNeighborsOfNeighbors(int photo, std::set<ImagePair>& pairs) const;
  void AskOutOfGroups(std::set<ImagePair>& pairs) const;
  bool IsNew(int a, int b) const;
  bool HasEnded() const;

  std::vector<std::vector<int>> by_look_;
  PairGrowthOptions options_;
  MatchGraph graph_;
  std::set<ImagePair> asked_;
  std::vector<int> verified_before_;  // degree of each photo when the last round began
  std::vector<int> idle_rounds_;      // consecutive rounds without a new verified pair of the photo
  int round_ = 0, idle_ = 0;          // idle_: consecutive rounds without any new verified pair
  int edges_before_ = 0;
};

}  // namespace colmatch
