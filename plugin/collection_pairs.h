// Which pairs of a whole collection are matched where nobody said: `colmatch automatic_reconstructor`.
#pragma once

#include <string>

#include "plugin/matching_pipeline.h"

namespace colmatch {

// All pairs up to this many photos, beyond it those that look alike: COLMAP's automatic_reconstructor.
inline constexpr int kMaxExhaustiveImages = 200;

// MatchPairs of all pairs ("exhaustive"), of photos that follow each other by name and those that look alike
// wherever they are ("sequential": the frames of a video), of each photo with the 100 that look most like it
// ("retrieval"), or of what suits the number of photos ("auto").
MatchingPipelineStats MatchCollection(const MatchingPipelineOptions& options, const std::string& pairs,
                                      const CommonOptions& common);

}  // namespace colmatch
