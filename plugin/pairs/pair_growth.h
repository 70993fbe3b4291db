// Which pairs of a collection are worth matching, decided round by round from what was verified before. Knows
// no photos, networks or database: it asks for pairs and is told their inliers, so that a test can play the
// matcher.
//
// Round 1: each photo with those that look most like it. Every later round, over the graph of verified pairs:
//   - a photo with fewer than num_neighbors verified pairs asks for neighbours of its neighbours, those first
//   that
//     share the most inliers with it over a third photo; it gives up after two rounds that brought it none,
//   - a group that hangs on the others by no more than one pair (often a single photo) asks for the pairs
//   that lead
//     out of it and look most alike.
// Ends when nobody asks, after two rounds without a verified pair, or after num_rounds.
//
// The number of pairs is linear in photos: at most num_similar and then (num_similar + num_neighbors) a
// photo.
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
      "others that look most like a photo, with which it is matched first",
      {1, 10000}};
  static constexpr Declaration<int> kNumNeighbors{
      "--GraphMatching.num_neighbors",
      "number of verified pairs of a photo from which on no more pairs are tried for it",
      {1, 10000}};
  static constexpr Declaration<int> kNumRounds{
      "--GraphMatching.num_rounds",
      "maximum number of rounds, including the first, which matches similar photos",
      {1, 1000}};
  void Validate() const;  // throws UsageError naming option, value and range
};

// How many of the most similar photos a growth is to be given, of each photo.
int NumSimilarNeeded(const PairGrowthOptions& options);

class PairGrowth {
 public:
  // by_look: of each photo the others that look like it, most similar first. Throws UsageError as Validate.
  PairGrowth(std::vector<std::vector<int>> by_look, const PairGrowthOptions& options);

  // The next round's pairs, first < second, in order, none that was asked for before. Empty: that was all.
  std::vector<ImagePair> NextRound();
  // What matching a pair that was asked for gave; 0: not verified. To be told of all pairs of a round before
  // the next one.
  void Tell(const ImagePair& pair, int num_inliers);

  int round() const { return round_; }  // of the pairs handed out last, from 1
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
  std::vector<int> idle_rounds_;      // rounds in a row that brought the photo no verified pair
  int round_ = 0, idle_ = 0;          // idle_: rounds in a row that brought nobody one
  int edges_before_ = 0;
};

}  // namespace colmatch
