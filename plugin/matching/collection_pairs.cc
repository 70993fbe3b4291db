// Pairs of a collection; see collection_pairs.h.
#include "plugin/matching/collection_pairs.h"

#include <memory>
#include <set>

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

PairSourceMaker CollectionPairs(const std::string& name, int block_size, const CommonOptions& common) {
  const std::set<std::string> known = {"auto", "exhaustive", "sequential", "retrieval"};
  if (known.count(name) == 0)
    throw UsageError("--pairs must be auto, exhaustive, sequential or retrieval, found " + name);
  return [name, block_size, &common](ColmapDatabase& database,
                                     const std::vector<Image>& images) -> std::unique_ptr<PairSource> {
    const auto count = static_cast<int>(images.size());
    if (name == "sequential")
      return std::make_unique<ListedPairs>(FramesAndLoops(database, images, {}, {}, common));
    if (name == "retrieval" || (name == "auto" && count > kMaxExhaustiveImages))
      return std::make_unique<OrderedPairs>(PairsByLook(database, images, RetrievalOptions(), common), count,
                                            block_size);
    return std::make_unique<ExhaustivePairs>(count, block_size);
  };
}

}  // namespace colmatch
