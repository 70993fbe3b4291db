// Pairs of photos to verified matches in the database: `colmatch *_matcher`, `geometric_verifier`.
#pragma once

#include "plugin/matching/matching_job.h"
#include "plugin/pairs/pair_source.h"
#include "plugin/runtime/common_options.h"
#include "util/colmap_types.h"

namespace colmatch {

// Pairs whose matches and geometry are there with the same provenance are skipped. Written in transactions of
// at most 100 pairs or 5 seconds. Throws UsageError where rows of other weights or options are there.
MatchingPipelineStats MatchPairs(const MatchingPipelineOptions& options, const CommonOptions& common,
                                 const PairSourceMaker& make_source);

// MatchPairs of all pairs.
MatchingPipelineStats MatchExhaustively(const MatchingPipelineOptions& options, const CommonOptions& common);

// Verifies matches that have no two-view geometry yet.
MatchingPipelineStats VerifyMatches(const MatchingPipelineOptions& options, const CommonOptions& common);

}  // namespace colmatch
