// The options of planning, of a task and of merging, and what each reports when it has ended.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin/extraction/pipeline_stats.h"

namespace colmatch {

struct PlanOptions {
  std::string output_path;         // a folder; made if it is missing
  int num_blocks = 0;              // 0: by kItemsPerBlock
  std::vector<std::string> given;  // the options the tasks shall have, as on a command line
  std::string feature_plan_path;   // the plan whose shards hold the features; empty: copied from the database
};

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

struct MergeStats {
  int64_t merged = 0, already_there = 0;  // photos or pairs
  int64_t of_others = 0;                  // pairs that another program matched, left alone
  PlanState state;
  std::vector<SkippedInput> skipped;
  bool stopped = false;
};

}  // namespace colmatch
