// Pairs of a collection; see collection_pairs.h.
#include "plugin/matching/collection_pairs.h"

#include <memory>
#include <set>
#include <string>

#include "plugin/matching/growing_pairs.h"
#include "plugin/pairs/pair_order.h"
#include "util/error.h"

namespace colmatch {

std::vector<ImagePair> FramesAndLoops(ColmapDatabase& database, const std::vector<Image>& images,
                                      const SequentialOptions& sequential, const LoopDetectionOptions& loops,
                                      const CommonOptions& common) {
  auto pairs = SequentialPairs(images, database.SharedFrames(), sequential);
  const auto more = LoopPairs(database, images, OrderByName(images), loops, common);
  pairs.insert(pairs.end(), more.begin(), more.end());
  return pairs;
}

void CollectionPairsOptions::Validate() const {
  const std::set<std::string> known = {"auto", "exhaustive", "sequential", "retrieval", "graph"};
  if (known.count(name) == 0)
    throw UsageError("--pairs must be auto, exhaustive, sequential, retrieval or graph, found " + name);
  if (name == "graph" && !matched_between)
    throw UsageError(
        "--pairs graph chooses pairs by what was verified before, which a plan cannot know: use retrieval, "
        "or "
        "colmatch automatic_reconstructor --pairs graph on one machine");
  kMinNumImages.Require(min_num_images);
  growth.Validate();
}

PairSourceMaker CollectionPairs(const CollectionPairsOptions& o, const CommonOptions& common) {
  o.Validate();
  return [o, &common](ColmapDatabase& database,
                      const std::vector<Image>& images) -> std::unique_ptr<PairSource> {
    const auto count = static_cast<int>(images.size());
    const bool choose = o.name == "auto";
    if (o.name == "sequential")
      return std::make_unique<ListedPairs>(FramesAndLoops(database, images, {}, {}, common));
    if (o.name == "graph" || (choose && o.matched_between && count >= o.min_num_images))
      return MakeGrowingPairs(database, images, o.growth, o.block_size, common);
    if (o.name == "retrieval" || (choose && !o.matched_between && count > kMaxExhaustiveImages))
      return std::make_unique<OrderedPairs>(PairsByLook(database, images, RetrievalOptions(), common), count,
                                            o.block_size);
    return std::make_unique<ExhaustivePairs>(count, o.block_size);
  };
}

}  // namespace colmatch
