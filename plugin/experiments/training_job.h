// A training as the command line gives it, and its run: `colmatch train`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "plugin/runtime/common_options.h"
#include "training/data/feature_set.h"
#include "training/data/reconstruction_features.h"
#include "training/loop/superglue_trainer.h"
#include "training/loop/superpoint_trainer.h"

namespace colmatch {

struct TrainingJob {
  std::string network;  // magicpoint, superpoint, superglue
  std::vector<std::string> shards, metadata;
  TrainLoopOptions loop;
  int num_workers = 0;  // 0: one, beside a GPU one a core
  std::string initial_path, teacher_path;
  double teacher_weight = 0.5;

  SuperPointTrainingOptions superpoint;
  std::string label_source = "repeated", images_on_device = "auto";
  std::vector<std::string> target_paths;

  SuperGlueTrainingOptions superglue;
  FeatureSetOptions feature_set;
  ReconstructionFeatureOptions view_features;
  int keypoint_octaves = 0;
  std::string superpoint_path, features_path, view_features_path;
  std::vector<std::string> view_paths;

  // Declares every option; in training_options.cc.
  void AddTo(CLI::App& app);
};

// Trains, and writes the run folder: checkpoint, weights, config.ini, log.txt, metrics and their plots. app:
// the parsed one that the job was declared to. Stops where a signal says so, with a checkpoint to go on from.
// Throws UsageError for contradictions, WeightsError, InputError and EnvironmentError for files.
void RunTraining(TrainingJob job, const CLI::App& app, const CommonOptions& common);

}  // namespace colmatch
