// The command line of extraction and matching, under COLMAP's names: 3.8's and 4.x's spellings are both
// taken.
#pragma once

#include <string>
#include <vector>

#include "plugin/extraction/feature_options.h"
#include "plugin/matching/matching_job.h"
#include "plugin/runtime/command.h"

namespace colmatch {

// Options of COLMAP's that colmatch knows but does not have. docs/colmap_options.md lists all of them.
class ForeignOptions {
 public:
  // Without meaning here (SIFT, ALIKED, OpenGL): taken, and told once by Tell.
  void Ignore(CLI::App& app, const std::string& names);
  // Would change results: only the values that change nothing are taken, any other is a UsageError that gives
  // the reason.
  void Refuse(CLI::App& app, const std::string& names, const std::vector<std::string>& harmless,
              const std::string& reason);
  void Tell() const;  // logs what was given without effect

 private:
  std::vector<std::string> given_;
};

// --ImageReader.*, --SuperPoint.* and paths.
class ExtractionCommandOptions {
 public:
  void AddTo(CLI::App& app, bool with_paths);
  void AddDetectorTo(CLI::App& app);  // --SuperPoint.* alone
  // The names that automatic_reconstructor has for some of the same, and --quality.
  void AddShortNamesTo(CLI::App& app);
  FeaturePipelineOptions Resolve() const;  // throws UsageError for contradictions
  // Of --quality: the share of the pairs of "high" that are to be matched.
  double ShareOfPairs() const;
  FeaturePipelineOptions options;

 private:
  bool IsGiven(const CLI::Option* option) const { return option != nullptr && option->count() > 0; }
  void ResolveSizes(FeaturePipelineOptions& o) const;

  bool single_camera_ = false, single_camera_per_folder_ = false, single_camera_per_image_ = false;
  int camera_mode_ = -1;
  std::string type_, quality_ = "high";
  int sift_max_num_features_ = 0, aliked_max_num_features_ = 0, loma_max_num_features_ = 0;
  const CLI::Option *max_num_features_ = nullptr, *max_image_size_ = nullptr;
  const CLI::Option *sift_features_ = nullptr, *aliked_features_ = nullptr;
  const CLI::Option* loma_features_ = nullptr;
  ForeignOptions foreign_;
};

// --SuperGlue.*, --TwoViewGeometry.*, --ExhaustiveMatching.*.
class MatchingCommandOptions {
 public:
  void AddTo(CLI::App& app, bool with_paths, bool with_matching);
  MatchingPipelineOptions Resolve() const;
  MatchingPipelineOptions options;

 private:
  void AddForeignTo(CLI::App& app, bool with_matching);

  ForeignOptions foreign_;
};

}  // namespace colmatch
