// Photos, or a database with features, to a plan that many machines work on: `colmatch plan`.
#pragma once

#include "plugin/cluster/cluster_jobs.h"
#include "plugin/cluster/cluster_plan.h"
#include "plugin/extraction/feature_options.h"
#include "plugin/matching/matching_job.h"
#include "plugin/pairs/pair_source.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// What one task should have at least, unless told otherwise; Slurm's arrays end at 1,000.
inline constexpr int kMaxBlocks = 1000;
inline constexpr int kPhotosPerBlock = 500, kPairsPerBlock = 10000;

// Both write blocks.cmr and, last, manifest.json. The same work again does nothing, whatever num_blocks;
// other work into the same folder is a UsageError.
PlanStats PlanFeatures(const PlanOptions& plan, const FeaturePipelineOptions& options,
                       const CommonOptions& common);

// Reads the database and never writes to it. Pairs that it has with the same provenance are left out; throws
// UsageError where it has some of another. Memory: about 40 bytes a pair.
PlanStats PlanMatches(const PlanOptions& plan, const MatchingPipelineOptions& options,
                      const CommonOptions& common, const PairSourceMaker& make_source);

}  // namespace colmatch
