// Groups of photos; see match_graph.h.
#include "plugin/pairs/match_graph.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace colmatch {
namespace {

// Depth-first search over the graph without recursion: a chain of 10^5 photos would overflow the stack.
// Finds the edges whose removal parts a group (Tarjan 1974: an edge to a photo from which nothing leads back
// to before it).
class BridgeSearch {
 public:
  explicit BridgeSearch(const MatchGraph& graph)
      : graph_(graph),
        entered_(static_cast<size_t>(graph.num_photos()), kNotYet),
        lowest_(static_cast<size_t>(graph.num_photos()), 0) {}

  // Each as (smaller, larger).
  std::set<std::pair<int, int>> Find() {
    for (int photo = 0; photo < graph_.num_photos(); ++photo) {
      if (entered_[static_cast<size_t>(photo)] == kNotYet) SearchFrom(photo);
    }
    return std::move(bridges_);
  }

 private:
  static constexpr int kNotYet = -1;
  struct Step {
    int photo, parent;
    std::map<int, int>::const_iterator next;
  };

  void Enter(int photo, int parent) {
    entered_[static_cast<size_t>(photo)] = lowest_[static_cast<size_t>(photo)] = clock_++;
    way_.push_back({photo, parent, graph_.Neighbors(photo).begin()});
  }

  void SearchFrom(int start) {
    Enter(start, kNotYet);
    while (!way_.empty()) {
      Step& step = way_.back();
      if (step.next == graph_.Neighbors(step.photo).end()) {
        Leave();
        continue;
      }
      const int other = (step.next++)->first;
      if (other == step.parent) continue;
      int& lowest = lowest_[static_cast<size_t>(step.photo)];
      const int entered = entered_[static_cast<size_t>(other)];
      if (entered == kNotYet) {
        Enter(other, step.photo);  // `step` is no longer valid
      } else {
        lowest = std::min(lowest, entered);
      }
    }
  }

  void Leave() {
    const Step step = way_.back();
    way_.pop_back();
    if (step.parent == kNotYet) return;
    const int lowest = lowest_[static_cast<size_t>(step.photo)];
    int& of_parent = lowest_[static_cast<size_t>(step.parent)];
    of_parent = std::min(of_parent, lowest);
    if (lowest > entered_[static_cast<size_t>(step.parent)])
      bridges_.insert(std::minmax(step.photo, step.parent));
  }

  const MatchGraph& graph_;
  std::vector<int> entered_, lowest_;  // by the clock; lowest: the earliest photo that can be reached
  std::vector<Step> way_;
  std::set<std::pair<int, int>> bridges_;
  int clock_ = 0;
};

// Groups over the edges that `counts` says yes to.
std::vector<int> GroupsOver(const MatchGraph& graph, const std::function<bool(int, int)>& counts) {
  std::vector<int> group(static_cast<size_t>(graph.num_photos()), -1), waiting;
  for (int start = 0; start < graph.num_photos(); ++start) {
    if (group[static_cast<size_t>(start)] >= 0) continue;
    waiting.push_back(start);
    group[static_cast<size_t>(start)] = start;
    while (!waiting.empty()) {
      const int photo = waiting.back();
      waiting.pop_back();
      for (const auto& edge : graph.Neighbors(photo)) {
        int& other = group[static_cast<size_t>(edge.first)];
        if (other >= 0 || !counts(photo, edge.first)) continue;
        other = start;
        waiting.push_back(edge.first);
      }
    }
  }
  return group;
}

}  // namespace

void MatchGraph::Join(int a, int b, int num_inliers) {
  num_edges_ += neighbors_[static_cast<size_t>(a)].count(b) == 0;
  neighbors_[static_cast<size_t>(a)][b] = num_inliers;
  neighbors_[static_cast<size_t>(b)][a] = num_inliers;
}

std::vector<int> MatchGraph::Groups() const {
  return GroupsOver(*this, [](int, int) { return true; });
}

std::vector<int> MatchGraph::WellJoinedGroups() const {
  const auto bridges = BridgeSearch(*this).Find();
  return GroupsOver(*this, [&](int a, int b) { return bridges.count(std::minmax(a, b)) == 0; });
}

int NumGroups(const std::vector<int>& groups) {
  return static_cast<int>(std::set<int>(groups.begin(), groups.end()).size());
}

}  // namespace colmatch
