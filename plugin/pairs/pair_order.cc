// The order of pairs; see pair_order.h.
#include "plugin/pairs/pair_order.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include "util/error.h"

namespace colmatch {
namespace {

// Who has pairs with whom: the partners of image i are partners[begin[i]] to partners[begin[i + 1]].
struct PairGraph {
  std::vector<size_t> begin;
  std::vector<int> partners;
};

PairGraph GraphOf(const std::vector<ImagePair>& pairs, int num_images) {
  PairGraph graph;
  graph.begin.assign(static_cast<size_t>(num_images) + 1, 0);
  for (const auto& [i, j] : pairs) {
    ++graph.begin[static_cast<size_t>(i) + 1];
    ++graph.begin[static_cast<size_t>(j) + 1];
  }
  for (size_t i = 1; i < graph.begin.size(); ++i) graph.begin[i] += graph.begin[i - 1];
  graph.partners.resize(2 * pairs.size());
  std::vector<size_t> end = graph.begin;
  for (const auto& [i, j] : pairs) {
    graph.partners[end[static_cast<size_t>(i)]++] = j;
    graph.partners[end[static_cast<size_t>(j)]++] = i;
  }
  return graph;
}

// Images not yet in the line, by their number of pairs among its last `window` ones.
class Line {
 public:
  Line(const PairGraph& graph, int window) : graph_(graph), window_(static_cast<size_t>(window)) {
    const int num_images = static_cast<int>(graph.begin.size()) - 1;
    num_pairs_.assign(static_cast<size_t>(num_images), 0);
    for (int i = 0; i < num_images; ++i) waiting_.emplace(0, i);
  }

  std::vector<int> Make() {
    while (!waiting_.empty()) {
      const int image = waiting_.begin()->second;
      waiting_.erase(waiting_.begin());
      num_pairs_[static_cast<size_t>(image)] = kPlaced;
      line_.push_back(image);
      ChangePartners(image, 1);
      if (line_.size() > window_) ChangePartners(line_[line_.size() - 1 - window_], -1);
    }
    return std::move(line_);
  }

 private:
  static constexpr int kPlaced = -1;

  void ChangePartners(int image, int change) {
    const auto i = static_cast<size_t>(image);
    for (size_t p = graph_.begin[i]; p < graph_.begin[i + 1]; ++p) {
      int& count = num_pairs_[static_cast<size_t>(graph_.partners[p])];
      if (count == kPlaced) continue;
      waiting_.erase({-count, graph_.partners[p]});
      count += change;
      waiting_.emplace(-count, graph_.partners[p]);
    }
  }

  const PairGraph& graph_;
  size_t window_;
  std::vector<int> num_pairs_, line_;
  std::set<std::pair<int, int>> waiting_;  // minus the number of pairs, image
};

}  // namespace

std::vector<ImagePair> OrderPairs(const std::vector<ImagePair>& pairs, int num_images, int block_size) {
  const PairGraph graph = GraphOf(pairs, num_images);
  const std::vector<int> line = Line(graph, block_size).Make();
  std::vector<int> place(line.size());
  for (size_t p = 0; p < line.size(); ++p) place[static_cast<size_t>(line[p])] = static_cast<int>(p);
  const auto key = [&](const ImagePair& pair) {
    const auto [low, high] =
        std::minmax({place[static_cast<size_t>(pair.first)], place[static_cast<size_t>(pair.second)]});
    return std::tuple(low / block_size, high / block_size, low, high);
  };
  std::vector<ImagePair> ordered = pairs;
  std::sort(ordered.begin(), ordered.end(),
            [&](const ImagePair& a, const ImagePair& b) { return key(a) < key(b); });
  return ordered;
}

OrderedPairs::OrderedPairs(std::vector<ImagePair> pairs, int num_images, int block_size) {
  if (block_size < 1)
    throw UsageError("--ExhaustiveMatching.block_size must be at least 1, found " +
                     std::to_string(block_size));
  pairs_a_time_ = static_cast<size_t>(block_size) * static_cast<size_t>(block_size);
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  pairs_ = OrderPairs(pairs, num_images, block_size);
}

std::vector<ImagePair> OrderedPairs::Next() {
  const size_t end = std::min(pairs_.size(), next_ + pairs_a_time_);
  std::vector<ImagePair> block(pairs_.begin() + static_cast<std::ptrdiff_t>(next_),
                               pairs_.begin() + static_cast<std::ptrdiff_t>(end));
  next_ = end;
  return block;
}

std::string OrderedPairs::position() const {
  const auto blocks = [this](size_t pairs) {
    return std::to_string((pairs + pairs_a_time_ - 1) / pairs_a_time_);
  };
  return blocks(next_) + '/' + blocks(pairs_.size());
}

}  // namespace colmatch
