// A training as a person and other commands see it: its progress, and its run folder.
#pragma once

#include <map>
#include <string>

#include "plugin/runtime/progress.h"
#include "training/loop/train_loop.h"

namespace colmatch {

struct TrainingRun {
  std::string name;                           // the folder's last part
  MetricSeries metrics;                       // as in metrics.npz
  std::map<std::string, std::string> config;  // config.ini, a key to its values
  double seconds = 0;                         // of training steps, validation not counted (log.txt)
};

// A training's report as a person sees it: in the bar, and a line of the log where bars are off.
void ShowProgress(const TrainProgress& progress, ProgressBar& bar, const std::string& mode);

// metrics.json, beside metrics.npz for readers without NumPy.
void WriteMetricsJson(const std::string& folder, const MetricSeries& metrics);

// Throws UsageError naming the folder for one that is no run, InputError for a damaged metrics.json.
TrainingRun ReadTrainingRun(const std::string& folder);

}  // namespace colmatch
