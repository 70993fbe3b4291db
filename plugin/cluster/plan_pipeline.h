// Photos, or a database with features, to a plan that many machines work on: `colmatch plan`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin/cluster/cluster_plan.h"
#include "plugin/extraction/feature_pipeline.h"
#include "plugin/matching/matching_pipeline.h"

namespace colmatch {

struct PlanOptions {
  std::string output_path;         // a folder; made if it is missing
  int num_blocks = 0;              // 0: by kItemsPerBlock
  std::vector<std::string> given;  // the options the tasks shall have, as on a command line
  std::string feature_plan_path;   // the plan whose shards hold the features; empty: copied from the database
};

// What one task should have at least, unless told otherwise; Slurm's arrays end at 1,000.
inline constexpr int kMaxBlocks = 1000;
inline constexpr int kPhotosPerBlock = 500, kPairsPerBlock = 10000;

struct PlanStats {
  int64_t num_items = 0;      // photos or pairs
  int64_t num_images = 0;     // that have pairs
  int64_t already_there = 0;  // pairs the database has
  int64_t num_blocks = 0;
  double loads_per_image = 0;  // how many blocks an image is in, on average
  bool was_there = false;      // the same plan, made before
  bool stopped = false;        // by a signal; there is no manifest then
  std::vector<SkippedInput> skipped;
};

// Both write blocks.cmr and, last, manifest.json. The same work again does nothing, whatever num_blocks;
// other work into the same folder is a UsageError.
PlanStats PlanFeatures(const PlanOptions& plan, const FeaturePipelineOptions& options,
                       const CommonOptions& common);

// Reads the database and never writes to it. Pairs that it has with the same provenance are left out; throws
// UsageError where it has some of another. Memory: about 40 bytes a pair.
PlanStats PlanMatches(const PlanOptions& plan, const MatchingPipelineOptions& options,
                      const CommonOptions& common, const PairSourceMaker& make_source);

}  // namespace colmatch
