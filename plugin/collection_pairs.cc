// Pairs of a collection; see collection_pairs.h.
#include "plugin/collection_pairs.h"

#include <memory>
#include <numeric>
#include <set>

#include "network/error.h"
#include "plugin/pair_order.h"
#include "plugin/retrieval_pairs.h"
#include "plugin/sequential_pairs.h"

namespace colmatch {
namespace {

std::vector<ImagePair> FramesAndLoops(ColmapDatabase& database, const std::vector<Image>& images,
                                      const CommonOptions& common) {
  auto pairs = SequentialPairs(images, database.SharedFrames(), {});
  const auto loops = LoopPairs(database, images, OrderByName(images), {}, common);
  pairs.insert(pairs.end(), loops.begin(), loops.end());
  return pairs;
}

std::vector<ImagePair> AlikePairs(ColmapDatabase& database, const std::vector<Image>& images,
                                  const CommonOptions& common) {
  std::vector<int> all(images.size());
  std::iota(all.begin(), all.end(), 0);
  const RetrievalOptions options;
  return PairsByLook(database, images, all, options.index, options.num_images, common);
}

}  // namespace

PairSourceMaker CollectionPairs(const std::string& name, int block_size, const CommonOptions& common) {
  const std::set<std::string> known = {"auto", "exhaustive", "sequential", "retrieval"};
  if (known.count(name) == 0)
    throw UsageError("--pairs must be auto, exhaustive, sequential or retrieval, found " + name);
  return [name, block_size, &common](ColmapDatabase& database,
                                     const std::vector<Image>& images) -> std::unique_ptr<PairSource> {
    const auto count = static_cast<int>(images.size());
    if (name == "sequential") return std::make_unique<ListedPairs>(FramesAndLoops(database, images, common));
    if (name == "retrieval" || (name == "auto" && count > kMaxExhaustiveImages))
      return std::make_unique<OrderedPairs>(AlikePairs(database, images, common), count, block_size);
    return std::make_unique<ExhaustivePairs>(count, block_size);
  };
}

}  // namespace colmatch
