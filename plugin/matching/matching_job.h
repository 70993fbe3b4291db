// The options of matching a collection, and what it reports when it has ended.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "geometry/two_view_geometry.h"
#include "matcher/matcher_options.h"
#include "plugin/extraction/pipeline_stats.h"

namespace colmatch {

struct MatchingPipelineOptions {
  std::string database_path;
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

}  // namespace colmatch
