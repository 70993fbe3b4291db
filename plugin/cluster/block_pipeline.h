// One task of a plan: `colmatch extract_block`, `match_block`. Reads the plan and the shards it names, never
// the database, and writes one shard.
#pragma once

#include "plugin/cluster/cluster_jobs.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// A shard that is there and whole is left as it is; one that is damaged or of another plan is made anew.
// Throws WeightsError where the weights are not the plan's.
BlockStats ExtractBlock(const BlockOptions& options, CommonOptions common);
BlockStats MatchBlockOfPlan(const BlockOptions& options, CommonOptions common);

}  // namespace colmatch
