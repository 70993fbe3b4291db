// Match lists into the database: `colmatch matches_importer`. The formats are those of match_list.h.
#pragma once

#include <string>

#include "plugin/matching/matching_job.h"
#include "plugin/pairs/pair_source.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

enum class MatchListType {
  kPairs,    // matched with the networks and verified
  kRaw,      // these matches, verified
  kInliers,  // these matches, taken as verified
};

struct MatchesImportOptions {
  std::string match_list_path;
  std::string match_type = "pairs";  // pairs, raw, inliers
  int block_size = 1225;             // pairs of a list of pairs that are matched at once

  MatchListType Type() const;  // Throws UsageError.
};

// A pair is there whole or not at all. Lines that cannot be used are in stats.skipped, and so are pairs that
// have other matches already; the same matches are `already_there`, so that the same command goes on where it
// was stopped. Unlike COLMAP, inliers are written as matches too: COLMAP's matchers throw a geometry without
// matches away. Throws UsageError if the list cannot be opened, InputError if nothing in it can be used.
MatchingPipelineStats ImportMatches(const MatchesImportOptions& import,
                                    const MatchingPipelineOptions& options, const CommonOptions& common);

// The pairs of a list of type `pairs`. What the list names in vain goes to skipped, which must outlive the
// maker.
PairSourceMaker PairsOfList(const std::string& path, int block_size, std::vector<SkippedInput>& skipped);

}  // namespace colmatch
