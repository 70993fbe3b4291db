// One task of a plan: `colmatch extract_block`, `match_block`. Reads the plan and the shards it names, never
// the database, and writes one shard.
#pragma once

#include <cstdint>
#include <string>

#include "plugin/cluster/cluster_plan.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

struct BlockOptions {
  std::string manifest_path;  // the file or its folder
  int block = -1;
  std::string weights;           // other than the manifest's place; must be the same weights
  int max_cached_images = 1000;  // whose features stay in memory; 2 MB each at 2048 keypoints
};

struct BlockStats {
  int64_t num_items = 0;  // photos or pairs
  int64_t num_matches = 0, num_verified = 0, num_keypoints = 0;
  int64_t num_unusable = 0;  // photos, which merge will name
  bool was_there = false;    // whole, from this plan
  bool stopped = false;      // by a signal; no shard then
};

// A shard that is there and whole is left as it is; one that is damaged or of another plan is made anew.
// Throws WeightsError where the weights are not the plan's.
BlockStats ExtractBlock(const BlockOptions& options, CommonOptions common);
BlockStats MatchBlockOfPlan(const BlockOptions& options, CommonOptions common);

}  // namespace colmatch
