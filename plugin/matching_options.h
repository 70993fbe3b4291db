// The command line of extraction and matching, under COLMAP's names: 3.8's and 4.x's spellings are both
// taken.
#pragma once

#include <string>

#include "plugin/command.h"
#include "plugin/feature_pipeline.h"
#include "plugin/matching_pipeline.h"

namespace colmatch {

// --ImageReader.*, --SuperPoint.* and paths.
class ExtractionCommandOptions {
 public:
  void AddTo(CLI::App& app, bool with_paths);
  void AddDetectorTo(CLI::App& app);       // --SuperPoint.* alone
  FeaturePipelineOptions Resolve() const;  // throws UsageError for contradictions
  FeaturePipelineOptions options;

 private:
  bool single_camera_ = false, single_camera_per_folder_ = false, single_camera_per_image_ = false;
  int camera_mode_ = -1;
};

// --SuperGlue.*, --TwoViewGeometry.*, --ExhaustiveMatching.*.
class MatchingCommandOptions {
 public:
  void AddTo(CLI::App& app, bool with_paths, bool with_matching);
  MatchingPipelineOptions Resolve() const { return options; }
  MatchingPipelineOptions options;
};

}  // namespace colmatch
