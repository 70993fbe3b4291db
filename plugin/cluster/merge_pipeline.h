// The shards of a plan to rows of the database: `colmatch merge`.
#pragma once

#include <string>
#include <vector>

#include "plugin/cluster/cluster_jobs.h"
#include "plugin/cluster/cluster_plan.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// thorough: reads every shard to its end.
PlanState StateOfPlan(const Manifest& manifest, bool thorough);

// "3,7-9", as Slurm's --array takes it.
std::string Ranges(const std::vector<int>& numbers);

// One writer. Rows are written in the order of photos or of pair ids, whatever the blocks, each once: what is
// there with the plan's provenance is passed over, so that a merge that was killed goes on, and a merge done
// again changes nothing. Memory does not grow with the number of pairs.
//
// Throws EnvironmentError, before anything is written, where blocks are missing, damaged or of another plan
// (unless partial), and UsageError where the database is not the one that was planned for: other images,
// other features, rows of other weights or options.
MergeStats Merge(const MergeOptions& options, const CommonOptions& common);

}  // namespace colmatch
