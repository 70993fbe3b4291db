// Blocks of pairs; see pair_blocks.h.
#include "plugin/pairs/pair_blocks.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>
#include <tuple>
#include <utility>

namespace colmatch {
namespace {

constexpr int kMaxRounds = 10;
constexpr int kSettled = 200;  // label propagation ends when fewer than 1 in so many images move

// Who shares a pair with whom: image i's neighbours are neighbors[start[i]] up to start[i + 1].
struct PairGraph {
  std::vector<uint64_t> start;
  std::vector<int> neighbors;
  int num_images() const { return static_cast<int>(start.size()) - 1; }
};

PairGraph GraphOf(const std::vector<ImagePair>& pairs, int num_images) {
  PairGraph graph;
  graph.start.assign(static_cast<size_t>(num_images) + 1, 0);
  for (const auto& [i, j] : pairs) {
    ++graph.start[i + 1];
    ++graph.start[j + 1];
  }
  std::partial_sum(graph.start.begin(), graph.start.end(), graph.start.begin());
  graph.neighbors.resize(2 * pairs.size());
  std::vector<uint64_t> end(graph.start.begin(), graph.start.end() - 1);
  for (const auto& [i, j] : pairs) {
    graph.neighbors[end[i]++] = j;
    graph.neighbors[end[j]++] = i;
  }
  return graph;
}

// Counts by small keys, emptied in the time it took to fill.
class Tally {
 public:
  explicit Tally(int num_keys) : counts_(num_keys, 0) {}
  void Add(int key) {
    if (counts_[key]++ == 0) keys_.push_back(key);
  }
  const std::vector<int>& keys() const { return keys_; }
  int operator[](int key) const { return counts_[key]; }
  void Clear() {
    for (const int key : keys_) counts_[key] = 0;
    keys_.clear();
  }

 private:
  std::vector<int> counts_, keys_;
};

// A label an image: each takes the one most of its neighbours have, as long as fewer than max_size do.
std::vector<int> Neighbourhoods(const PairGraph& graph, int max_size) {
  const int n = graph.num_images();
  std::vector<int> label(n), size(n, 1);
  std::iota(label.begin(), label.end(), 0);
  Tally tally(n);
  for (int round = 0, moved = n; round < kMaxRounds && moved > n / kSettled; ++round) {
    moved = 0;
    for (int i = 0; i < n; ++i) {
      for (uint64_t e = graph.start[i]; e < graph.start[i + 1]; ++e) tally.Add(label[graph.neighbors[e]]);
      int best = label[i];
      for (const int candidate : tally.keys()) {
        if (candidate == label[i] || size[candidate] >= max_size) continue;
        const bool tie = tally[candidate] == tally[best] && best != label[i] && candidate < best;
        if (tally[candidate] > tally[best] || tie) best = candidate;
      }
      tally.Clear();
      if (best == label[i]) continue;
      --size[label[i]];
      ++size[best];
      label[i] = best;
      ++moved;
    }
  }
  return label;
}

// The images, neighbourhood by neighbourhood; next comes the one with most pairs into those before.
std::vector<int> ImagesInOrder(const PairGraph& graph, const std::vector<int>& label) {
  const int n = graph.num_images();
  std::vector<int> first(static_cast<size_t>(n) + 1, 0), members(n);  // by label
  for (const int l : label) ++first[l + 1];
  std::partial_sum(first.begin(), first.end(), first.begin());
  std::vector<int> end(first.begin(), first.end() - 1);
  for (int i = 0; i < n; ++i) members[end[label[i]]++] = i;

  std::vector<int64_t> links(n, 0);  // into the neighbourhoods that have been visited
  std::vector<bool> visited(n, false);
  std::priority_queue<std::pair<int64_t, int>> queue;  // links, minus label; outdated entries are skipped
  Tally tally(n);
  std::vector<int> order;
  order.reserve(n);
  for (int seed = 0; seed < n; ++seed) {
    if (!visited[label[seed]]) queue.emplace(0, -label[seed]);
    while (!queue.empty()) {
      const int l = -queue.top().second;
      queue.pop();
      if (visited[l]) continue;
      visited[l] = true;
      for (int m = first[l]; m < first[l + 1]; ++m) {
        const int i = members[m];
        order.push_back(i);
        for (uint64_t e = graph.start[i]; e < graph.start[i + 1]; ++e) tally.Add(label[graph.neighbors[e]]);
      }
      for (const int other : tally.keys()) {
        if (!visited[other]) queue.emplace(links[other] += tally[other], -other);
      }
      tally.Clear();
    }
  }
  return order;
}

// rank[i] is image i's place in the order.
std::vector<int> Ranks(const std::vector<ImagePair>& pairs, int num_images, int tile) {
  std::vector<int> rank(num_images);
  std::iota(rank.begin(), rank.end(), 0);
  const double all_pairs = 0.5 * num_images * (num_images - 1.0);
  if (static_cast<double>(pairs.size()) > 0.25 * all_pairs) return rank;
  const PairGraph graph = GraphOf(pairs, num_images);
  const std::vector<int> order = ImagesInOrder(graph, Neighbourhoods(graph, tile));
  for (int r = 0; r < num_images; ++r) rank[order[r]] = r;
  return rank;
}

}  // namespace

std::vector<uint64_t> SortIntoBlocks(std::vector<ImagePair>& pairs, int num_images, int num_blocks) {
  const uint64_t n = pairs.size();
  const uint64_t blocks = std::min<uint64_t>(n, static_cast<uint64_t>(std::max(1, num_blocks)));
  std::vector<uint64_t> borders(1, 0);
  if (n == 0) return borders;
  // As many images a side as fill one block, whether all their pairs are there or each has a few.
  const double square = std::sqrt(static_cast<double>(n) / static_cast<double>(blocks));
  const double strip = static_cast<double>(num_images) / static_cast<double>(blocks);
  const int tile = std::max(1, static_cast<int>(std::ceil(std::max(square, strip))));
  const std::vector<int> rank = Ranks(pairs, num_images, tile);
  const auto key = [&](const ImagePair& pair) {
    const auto [low, high] = std::minmax(rank[pair.first], rank[pair.second]);
    return std::make_tuple(low / tile, high / tile, low, high);
  };
  std::sort(pairs.begin(), pairs.end(),
            [&](const ImagePair& a, const ImagePair& b) { return key(a) < key(b); });
  for (uint64_t b = 1; b <= blocks; ++b) borders.push_back(n / blocks * b + std::min(b, n % blocks));
  return borders;
}

}  // namespace colmatch
