// The protocols of `colmatch evaluate`, each from a folder of pictures to the rows of its table.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "plugin/experiments/evaluation_methods.h"
#include "plugin/experiments/evaluation_report.h"
#include "plugin/extraction/pipeline_stats.h"

namespace colmatch {

struct EvaluationInput {
  std::string image_path;  // homography: photos; hpatches: a folder of sequences; pose: the pairs' images
  // pose: the 38-column list; homography: pairs made elsewhere (homography_pairs.h), legacy: names and
  // homographies; may be empty
  std::string pairs_path;
  int pairs_per_image = 2;  // homography
  double difficulty = 0.7;  // homography: of the warps, 0 to 1
  uint64_t seed = 0;
  std::string progress = "auto";
  int num_threads = 1;  // pairs that are measured side by side, on the CPU
};

struct EvaluationOutcome {
  EvaluationReport report;
  EvaluationRows rows;
  std::vector<SkippedInput> skipped;
};

// What all protocols begin with: the methods' rows, failures counted by failure_measure.
EvaluationOutcome NewOutcome(const std::string& title, const EvaluationMethods& methods,
                             const std::string& failure_measure, std::vector<Statistic> statistics,
                             std::vector<PublishedRow> published = {});

// Of one pair, by method.
using MethodMeasures = std::map<std::string, Measures>;

// Adds measure(i, methods) of each name to the rows, in the order of the names; a pair whose picture cannot
// be read (InputError) is noted, once. On the CPU, measure is called by input.num_threads threads at once,
// each with methods of its own. Shows the progress, and stops where a signal says so.
void ForEachPair(const std::vector<std::string>& names, const EvaluationInput& input,
                 EvaluationMethods& methods, EvaluationOutcome& outcome,
                 const std::function<MethodMeasures(size_t i, EvaluationMethods& methods)>& measure);

// All stop where a signal says so; rows then holds what was done. A picture that cannot be read is skipped
// with its reason; UsageError where none can.

// Homography protocol: two warps of each photo, 640 x 480; or the pairs of pairs_path, as their pictures are.
EvaluationOutcome EvaluateHomographies(const EvaluationInput& input, EvaluationMethods& methods);

// Legacy homography protocol: a photo and one warp of it with borders, both resized to 640 x 480. pairs_path
// has lines of a name and nine numbers, as gouthamvgk's coco_test_images_homo.txt; without it warps of that
// kind are drawn, one a photo.
EvaluationOutcome EvaluateLegacyHomographies(const EvaluationInput& input, EvaluationMethods& methods);

// Sequence protocol: sequences, sub-folders with images 1 .. 6 (HPatches: H_1_2 .. H_1_6; Oxford: H1to2p ..
// H1to6p, pictures in the folder itself or in images/), short side resized to 480.
EvaluationOutcome EvaluateSequences(const EvaluationInput& input, EvaluationMethods& methods);

// Rotation protocol, how much in-plane rotation is tolerated: the middle of each photo against itself turned
// by 0, 15, .. 180 degrees.
EvaluationOutcome EvaluateRotations(const EvaluationInput& input, EvaluationMethods& methods);

// Pose protocol: relative pose, resized to 640 x 480.
EvaluationOutcome EvaluatePoses(const EvaluationInput& input, EvaluationMethods& methods);

}  // namespace colmatch
