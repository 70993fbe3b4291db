// Pairs of photos to verified matches in the database: `colmatch *_matcher`, `geometric_verifier`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "geometry/two_view_geometry.h"
#include "matcher/frontend.h"
#include "plugin/extraction/feature_pipeline.h"
#include "plugin/pairs/pair_source.h"
#include "plugin/runtime/common_options.h"
#include "util/colmap_types.h"

namespace colmatch {

struct MatchingPipelineOptions {
  std::string database_path;
  std::string matcher = "superglue";  // superglue, nn, nn_mutual, nn_ratio
  MatcherOptions matching;
  TwoViewGeometryOptions geometry;
  bool skip_geometric_verification = false;  // every match then counts as an inlier
  int block_size = 50;                       // images a side of a block; a block's features stay in memory
};

struct MatchingPipelineStats {
  int64_t matched = 0, already_there = 0, verified = 0;  // pairs; verified: with enough inliers
  int64_t num_matches = 0, num_inliers = 0;
  int64_t image_loads = 0;            // how often an image's features were read
  std::vector<SkippedInput> skipped;  // images without usable features
  UsedWeights weights;                // SuperGlue's
  bool stopped = false;
};

// Pairs whose matches and geometry are there with the same provenance are skipped. Written in transactions of
// at most 100 pairs or 5 seconds. Throws UsageError where rows of other weights or options are there.
MatchingPipelineStats MatchPairs(const MatchingPipelineOptions& options, const CommonOptions& common,
                                 const PairSourceMaker& make_source);

// MatchPairs of all pairs.
MatchingPipelineStats MatchExhaustively(const MatchingPipelineOptions& options, const CommonOptions& common);

// Verifies matches that have no two-view geometry yet.
MatchingPipelineStats VerifyMatches(const MatchingPipelineOptions& options, const CommonOptions& common);

}  // namespace colmatch
