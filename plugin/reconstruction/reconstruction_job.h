// The options of a reconstruction, and its result.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "evaluation/colmap_model.h"
#include "plugin/extraction/feature_options.h"
#include "plugin/matching/collection_pairs.h"
#include "plugin/matching/matching_job.h"

namespace colmatch {

struct ReconstructionOptions {
  std::string workspace_path;  // gets database.db, sparse/, report.html, report.json, model.png, mapper.log
  std::string truth_path;      // true cameras to compare with; empty: none
  std::string command_line;    // as typed, for the report
  // Also for the report: every option with its effective value.
  std::vector<std::pair<std::string, std::string>> options_in_force;
  CollectionPairsOptions pairs;
  // Whether to match rotated photos: auto (if verified pairs leave the photos in several groups), always,
  // never.
  std::string turned = "auto";
  // Treatment of pairs that contradict the others: keep, drop. The report names them in both cases.
  std::string contradicting_pairs = "keep";
  bool run_extraction = true, run_matching = true, run_mapper = true;
  std::string mapper = "incremental";         // incremental, hierarchical, global (COLMAP 4)
  std::vector<std::string> mapper_arguments;  // passed to the mapper
  int num_match_pictures = 6;
  FeaturePipelineOptions features;
  MatchingPipelineOptions matching;
};

struct ReconstructionResult {
  int num_images = 0;      // photos that were found, unusable ones included
  int num_registered = 0;  // in the largest model
  int num_pairs = 0, num_verified_pairs = 0;
  std::vector<ModelStatistics> models;  // largest first
  std::string terminal_picture;         // of the largest model, for a terminal with 24-bit colours
  std::string failure;                  // why there is no model; empty if there is one
  std::vector<std::string> advice;      // what the user can do about the failure
  std::vector<SkippedInput> skipped;
  bool stopped = false;
};

}  // namespace colmatch
