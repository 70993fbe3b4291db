// Growing pairs; see growing_pairs.h.
#include "plugin/matching/growing_pairs.h"

#include <numeric>
#include <string>
#include <utility>

#include "plugin/matching/retrieval_pairs.h"
#include "plugin/runtime/log.h"

namespace colmatch {

GrowingPairs::GrowingPairs(ColmapDatabase& database, const std::vector<Image>& images,
                           std::vector<std::vector<int>> by_look, const PairGrowthOptions& options,
                           int block_size)
    : database_(database), images_(images), growth_(std::move(by_look), options), block_size_(block_size) {}

std::vector<ImagePair> GrowingPairs::Next() {
  if (left_) {
    auto block = left_->Next();
    if (!block.empty()) return block;
    EndRound();
  }
  round_ = growth_.NextRound();
  if (round_.empty()) return {};
  left_ = std::make_unique<OrderedPairs>(round_, static_cast<int>(images_.size()), block_size_);
  LogInfo("round " + std::to_string(growth_.round()) + ": " + std::to_string(round_.size()) + " pairs");
  return left_->Next();
}

void GrowingPairs::EndRound() {
  const int before = growth_.graph().num_edges();
  for (const ImagePair& pair : round_) {
    const image_t id1 = images_[static_cast<size_t>(pair.first)].image_id;
    const image_t id2 = images_[static_cast<size_t>(pair.second)].image_id;
    if (!database_.HasTwoViewGeometry(id1, id2)) continue;
    growth_.Tell(pair, static_cast<int>(database_.ReadTwoViewGeometry(id1, id2).inlier_matches.size()));
  }
  const MatchGraph& graph = growth_.graph();
  LogInfo("round " + std::to_string(growth_.round()) + ": " + std::to_string(graph.num_edges() - before) +
          " of them verified, " + std::to_string(graph.num_edges()) + " in all; the photos are in " +
          std::to_string(NumGroups(graph.Groups())) + " groups");
}

std::unique_ptr<PairSource> MakeGrowingPairs(ColmapDatabase& database, const std::vector<Image>& images,
                                             const PairGrowthOptions& options, int block_size,
                                             const CommonOptions& common) {
  options.Validate();
  std::vector<int> all(images.size());
  std::iota(all.begin(), all.end(), 0);
  const auto neighbors =
      NeighborsByLook(database, images, all, RetrievalOptions().index, NumSimilarNeeded(options), common);
  std::vector<std::vector<int>> by_look(
      images.size());  // all of them, also where a signal cut the search short
  for (size_t i = 0; i < neighbors.size(); ++i) {
    for (const Neighbor& neighbor : neighbors[i]) by_look[i].push_back(neighbor.image);
  }
  return std::make_unique<GrowingPairs>(database, images, std::move(by_look), options, block_size);
}

}  // namespace colmatch
