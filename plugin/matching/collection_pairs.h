// Which pairs of a whole collection are matched: `colmatch automatic_reconstructor` and `plan`, by --pairs.
#pragma once

#include <string>
#include <vector>

#include "plugin/matching/retrieval_pairs.h"
#include "plugin/pairs/pair_growth.h"
#include "plugin/pairs/pair_source.h"
#include "plugin/pairs/sequential_pairs.h"
#include "plugin/runtime/common_options.h"
#include "util/option_declaration.h"

namespace colmatch {

// All pairs up to this many photos, beyond it those that look alike: COLMAP's automatic_reconstructor.
inline constexpr int kMaxExhaustiveImages = 200;

struct CollectionPairsOptions {
  std::string name = "auto";
  int block_size = 50;
  PairGrowthOptions growth;  // of "graph"
  int min_num_images = 100;
  // False: nothing is matched between two blocks, as in a plan. "graph" cannot be then, and "auto" is what
  // COLMAP's automatic_reconstructor does.
  bool matched_between = true;

  static constexpr Declaration<int> kMinNumImages{
      "--GraphMatching.min_num_images",
      "number of photos from which on --pairs auto matches by the graph",
      {2}};
  void Validate() const;  // throws UsageError naming option, value and range
};

// Photos that follow each other by name, and after them the loops of that sequence.
std::vector<ImagePair> FramesAndLoops(ColmapDatabase& database, const std::vector<Image>& images,
                                      const SequentialOptions& sequential, const LoopDetectionOptions& loops,
                                      const CommonOptions& common);

// All pairs ("exhaustive"), photos that follow each other by name and those that look alike wherever they are
// ("sequential": the frames of a video), each photo with the 100 that look most like it ("retrieval"), few
// that look alike and then what the verified pairs ask for ("graph": plugin/pairs/pair_growth.h), or what
// suits the number of photos ("auto"). common must outlive the maker. Throws UsageError for other names and
// options out of range.
PairSourceMaker CollectionPairs(const CollectionPairsOptions& options, const CommonOptions& common);

}  // namespace colmatch
