// Which pairs of a whole collection are matched: `colmatch automatic_reconstructor` and `plan`, by --pairs.
#pragma once

#include <string>
#include <vector>

#include "plugin/matching/retrieval_pairs.h"
#include "plugin/pairs/pair_source.h"
#include "plugin/pairs/sequential_pairs.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// All pairs up to this many photos, beyond it those that look alike: COLMAP's automatic_reconstructor.
inline constexpr int kMaxExhaustiveImages = 200;

// Photos that follow each other by name, and after them the loops of that sequence.
std::vector<ImagePair> FramesAndLoops(ColmapDatabase& database, const std::vector<Image>& images,
                                      const SequentialOptions& sequential, const LoopDetectionOptions& loops,
                                      const CommonOptions& common);

// All pairs ("exhaustive"), photos that follow each other by name and those that look alike wherever they are
// ("sequential": the frames of a video), each photo with the 100 that look most like it ("retrieval"), or
// what suits the number of photos ("auto"). common must outlive the maker. Throws UsageError for other names.
PairSourceMaker CollectionPairs(const std::string& name, int block_size, const CommonOptions& common);

}  // namespace colmatch
