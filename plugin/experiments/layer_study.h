// Results of a study of SuperGlue's number of layers, and its tables and pictures.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "evaluation/capacity.h"
#include "plugin/experiments/run_folder.h"
#include "training/loop/superglue_trainer.h"

namespace colmatch {

// One training: a depth, a seed.
struct StudiedRun {
  TrainingRun run;
  int depth = 0;  // pairs of a self and a cross layer
  int descriptor_dim = 0;
  std::map<std::string, MatchingQuality> quality;  // by test set
  double milliseconds = 0;                         // a pair, median
};

struct LayerStudyResult {
  std::vector<StudiedRun> runs;
  std::vector<std::string> tests;  // names of the test sets, in order
  int num_keypoints = 0;           // a picture
  std::vector<CapacityRow> dataset;
  int64_t dataset_features = 0;
  int dataset_classes = 0;
};

// layer_study.md, layer_study.json and pictures; prints the first.
void WriteLayerStudy(const std::string& folder, const LayerStudyResult& result);

}  // namespace colmatch
