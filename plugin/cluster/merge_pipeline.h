// The shards of a plan to rows of the database: `colmatch merge`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin/cluster/cluster_plan.h"
#include "plugin/extraction/feature_pipeline.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

struct MergeOptions {
  std::string manifest_path;  // the file or its folder
  std::string database_path;
  bool partial = false;     // merge what is there although blocks are missing
  bool descriptors = true;  // of features: store them too; else rows without any, and the shards keep them
};

// A plan's blocks by the state of their shards.
struct PlanState {
  std::vector<int> missing, damaged, foreign;
  int64_t num_blocks = 0, num_whole = 0;
  bool IsWhole() const { return num_whole == num_blocks; }
  std::string Describe() const;  // "blocks 3, 7-9 are missing; ..."
};

// thorough: reads every shard to its end.
PlanState StateOfPlan(const Manifest& manifest, bool thorough);

// "3,7-9", as Slurm's --array takes it.
std::string Ranges(const std::vector<int>& numbers);

struct MergeStats {
  int64_t merged = 0, already_there = 0;  // photos or pairs
  int64_t of_others = 0;                  // pairs that another program matched, left alone
  PlanState state;
  std::vector<SkippedInput> skipped;
  bool stopped = false;
};

// One writer. Rows are written in the order of photos or of pair ids, whatever the blocks, each once: what is
// there with the plan's provenance is passed over, so that a merge that was killed goes on, and a merge done
// again changes nothing. Memory does not grow with the number of pairs.
//
// Throws EnvironmentError, before anything is written, where blocks are missing, damaged or of another plan
// (unless partial), and UsageError where the database is not the one that was planned for: other images,
// other features, rows of other weights or options.
MergeStats Merge(const MergeOptions& options, const CommonOptions& common);

}  // namespace colmatch
