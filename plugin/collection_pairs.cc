// Pairs of a collection; see collection_pairs.h.
#include "plugin/collection_pairs.h"

#include <memory>
#include <numeric>

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

MatchingPipelineStats MatchCollection(const MatchingPipelineOptions& o, const std::string& pairs,
                                      const CommonOptions& common) {
  return MatchPairs(
      o, common,
      [&](ColmapDatabase& database, const std::vector<Image>& images) -> std::unique_ptr<PairSource> {
        const auto count = static_cast<int>(images.size());
        if (pairs == "sequential")
          return std::make_unique<ListedPairs>(FramesAndLoops(database, images, common));
        if (pairs == "retrieval" || (pairs == "auto" && count > kMaxExhaustiveImages))
          return std::make_unique<OrderedPairs>(AlikePairs(database, images, common), count, o.block_size);
        if (pairs == "exhaustive" || pairs == "auto")
          return std::make_unique<ExhaustivePairs>(count, o.block_size);
        throw UsageError("--pairs must be auto, exhaustive, sequential or retrieval, found " + pairs);
      });
}

}  // namespace colmatch
