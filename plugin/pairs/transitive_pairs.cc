// Transitive pairs; see transitive_pairs.h.
#include "plugin/pairs/transitive_pairs.h"

#include <algorithm>
#include <optional>
#include <string>

#include "util/error.h"

namespace colmatch {
namespace {

bool Contains(const std::vector<int>& sorted, int value) {
  return std::binary_search(sorted.begin(), sorted.end(), value);
}

bool HaveCommonNeighbor(const PairGraph& graph, int a, int c) {
  const auto& x = graph[a];
  const auto& y = graph[c];
  for (auto i = x.begin(), j = y.begin(); i != x.end() && j != y.end();) {
    if (*i == *j) return true;
    if (*i < *j) {
      ++i;
    } else {
      ++j;
    }
  }
  return false;
}

// Of the pairs in `found` those that were there in `graph`, or that an iteration over it hands out.
PairGraph Reachable(const PairGraph& graph, const PairGraph& found) {
  PairGraph reachable(found.size());
  for (size_t a = 0; a < found.size(); ++a) {
    for (const int c : found[a]) {
      if (Contains(graph[a], c) || HaveCommonNeighbor(graph, static_cast<int>(a), c))
        reachable[a].push_back(c);
    }
  }
  return reachable;
}

}  // namespace

void TransitiveOptions::Validate() const {
  kBatchSize.Require(batch_size);
  kNumIterations.Require(num_iterations);
}

TransitivePairs::TransitivePairs(ColmapDatabase& database, const std::vector<Image>& images,
                                 const TransitiveOptions& options)
    : database_(database), images_(images), options_(options) {
  options_.Validate();
  const auto kept = database_.KeptPairs();
  goes_on_ = kept.has_value();
  if (!goes_on_) database_.KeepVerifiedPairs();
  now_ = GraphOf(goes_on_ ? *kept : *database_.KeptPairs());
  before_.resize(images_.size());
}

std::vector<ImagePair> TransitivePairs::Next() {
  const auto num_images = static_cast<int>(images_.size());
  std::vector<ImagePair> block;
  while (block.empty() && !done_) {
    while (next_image_ < num_images && block.size() < static_cast<size_t>(options_.batch_size)) {
      AppendNewPairs(next_image_++, block);
    }
    if (block.empty()) done_ = !StartIteration();
  }
  num_handed_out_ += static_cast<int64_t>(block.size());
  return block;
}

PairGraph TransitivePairs::GraphOf(const std::vector<std::pair<image_t, image_t>>& pairs) const {
  const auto index_of = [&](image_t id) -> std::optional<int> {
    const auto found = std::lower_bound(images_.begin(), images_.end(), id,
                                        [](const Image& image, image_t x) { return image.image_id < x; });
    if (found == images_.end() || found->image_id != id) return std::nullopt;
    return static_cast<int>(found - images_.begin());
  };
  PairGraph graph(images_.size());
  for (const auto& [id1, id2] : pairs) {
    const auto i = index_of(id1), j = index_of(id2);
    if (!i || !j) continue;  // an image without features, or one that was removed
    graph[*i].push_back(*j);
    graph[*j].push_back(*i);
  }
  for (auto& neighbors : graph) std::sort(neighbors.begin(), neighbors.end());
  return graph;
}

// False: that was the last one.
bool TransitivePairs::StartIteration() {
  const PairGraph all = GraphOf(database_.VerifiedPairs());
  PairGraph reachable = Reachable(now_, all);
  next_image_ = 0;
  if (++iteration_ < options_.num_iterations && reachable != now_) {
    before_ = std::move(now_);
    now_ = std::move(reachable);
    return true;
  }
  const bool others_verified_more = reachable != all;
  if (!goes_on_ || !others_verified_more) {
    database_.DropKeptPairs();
    return false;
  }
  database_.KeepVerifiedPairs();
  goes_on_ = false;
  iteration_ = 0;
  before_.assign(images_.size(), {});
  now_ = all;
  return true;
}

// Those of this image as the first one that no earlier iteration handed out.
void TransitivePairs::AppendNewPairs(int image, std::vector<ImagePair>& block) const {
  std::vector<bool> seen(images_.size());
  std::vector<int> others;
  for (const int neighbor : now_[image]) {
    for (const int other : now_[neighbor]) {
      if (other <= image || seen[other]) continue;
      seen[other] = true;
      others.push_back(other);
    }
  }
  std::sort(others.begin(), others.end());
  for (const int other : others) {
    if (Contains(now_[image], other) || HaveCommonNeighbor(before_, image, other)) continue;
    block.emplace_back(image, other);
  }
}

}  // namespace colmatch
