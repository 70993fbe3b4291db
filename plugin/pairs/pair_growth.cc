// Rounds of pairs; see pair_growth.h.
#include "plugin/pairs/pair_growth.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "util/error.h"

namespace colmatch {
namespace {

// Rounds without success after which a photo, or the whole, asks for no more. One can be bad luck.
constexpr int kPatience = 2;
// A group looks this many times as deep into the list of similar photos as the first round did.
constexpr int kDepth = 3;

ImagePair Ordered(int a, int b) { return {std::min(a, b), std::max(a, b)}; }

}  // namespace

void PairGrowthOptions::Validate() const {
  kNumSimilar.Require(num_similar);
  kNumNeighbors.Require(num_neighbors);
  kNumRounds.Require(num_rounds);
}

int NumSimilarNeeded(const PairGrowthOptions& options) { return kDepth * options.num_similar; }

PairGrowth::PairGrowth(std::vector<std::vector<int>> by_look, const PairGrowthOptions& options)
    : by_look_(std::move(by_look)),
      options_(options),
      graph_(static_cast<int>(by_look_.size())),
      verified_before_(by_look_.size(), 0),
      idle_rounds_(by_look_.size(), 0) {
  options_.Validate();
}

void PairGrowth::Tell(const ImagePair& pair, int num_inliers) {
  if (num_inliers > 0) graph_.Join(pair.first, pair.second, num_inliers);
}

std::vector<ImagePair> PairGrowth::NextRound() {
  std::set<ImagePair> pairs;
  if (round_ == 0) {
    AskByLook(pairs);
  } else {
    idle_ = graph_.num_edges() > edges_before_ ? 0 : idle_ + 1;
    for (size_t i = 0; i < idle_rounds_.size(); ++i) {
      const int degree = graph_.Degree(static_cast<int>(i));
      idle_rounds_[i] = degree > verified_before_[i] ? 0 : idle_rounds_[i] + 1;
      verified_before_[i] = degree;
    }
    if (HasEnded()) return {};
    for (int photo = 0; photo < graph_.num_photos(); ++photo) AskNeighborsOfNeighbors(photo, pairs);
    AskOutOfGroups(pairs);
  }
  edges_before_ = graph_.num_edges();
  ++round_;
  asked_.insert(pairs.begin(), pairs.end());
  return {pairs.begin(), pairs.end()};
}

bool PairGrowth::HasEnded() const { return idle_ >= kPatience || round_ >= options_.num_rounds; }

bool PairGrowth::IsNew(int a, int b) const { return a != b && asked_.count(Ordered(a, b)) == 0; }

void PairGrowth::AskByLook(std::set<ImagePair>& pairs) const {
  for (size_t i = 0; i < by_look_.size(); ++i) {
    const size_t count = std::min(by_look_[i].size(), static_cast<size_t>(options_.num_similar));
    for (size_t k = 0; k < count; ++k) pairs.insert(Ordered(static_cast<int>(i), by_look_[i][k]));
  }
}

void PairGrowth::AskNeighborsOfNeighbors(int photo, std::set<ImagePair>& pairs) const {
  const int missing = options_.num_neighbors - graph_.Degree(photo);
  if (missing <= 0 || idle_rounds_[static_cast<size_t>(photo)] >= kPatience) return;
  std::map<int, int64_t> shared;  // inliers over a third photo, as many as the weaker of both pairs has
  for (const auto& [neighbor, inliers] : graph_.Neighbors(photo)) {
    for (const auto& [other, others_inliers] : graph_.Neighbors(neighbor)) {
      if (IsNew(photo, other)) shared[other] += std::min(inliers, others_inliers);
    }
  }
  std::vector<std::pair<int64_t, int>> best;
  for (const auto& [other, inliers] : shared) best.emplace_back(-inliers, other);
  const size_t count = std::min(best.size(), static_cast<size_t>(missing));
  std::partial_sort(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(count), best.end());
  for (size_t k = 0; k < count; ++k) pairs.insert(Ordered(photo, best[k].second));
}

// The largest group need not ask: the others ask for it.
void PairGrowth::AskOutOfGroups(std::set<ImagePair>& pairs) const {
  const std::vector<int> group = graph_.WellJoinedGroups();
  std::map<int, std::vector<int>> members;
  for (size_t i = 0; i < group.size(); ++i) members[group[i]].push_back(static_cast<int>(i));
  const auto largest = std::max_element(members.begin(), members.end(), [](const auto& a, const auto& b) {
    return a.second.size() < b.second.size();
  });
  for (const auto& [name, photos] : members) {
    if (name == largest->first) continue;
    std::vector<std::tuple<size_t, int, int>> ways;  // place in the list, from, to
    for (const int photo : photos) {
      const auto& list = by_look_[static_cast<size_t>(photo)];
      for (size_t k = 0; k < list.size(); ++k) {
        if (group[static_cast<size_t>(list[k])] != name && IsNew(photo, list[k]))
          ways.emplace_back(k, photo, list[k]);
      }
    }
    const size_t count = std::min(ways.size(), static_cast<size_t>(options_.num_similar));
    std::partial_sort(ways.begin(), ways.begin() + static_cast<std::ptrdiff_t>(count), ways.end());
    for (size_t k = 0; k < count; ++k) pairs.insert(Ordered(std::get<1>(ways[k]), std::get<2>(ways[k])));
  }
}

}  // namespace colmatch
