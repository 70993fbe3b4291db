// A training's run folder as other commands read it.
#pragma once

#include <map>
#include <string>

#include "training/train_loop.h"

namespace colmatch {

struct TrainingRun {
  std::string name;                           // the folder's last part
  MetricSeries metrics;                       // as in metrics.npz
  std::map<std::string, std::string> config;  // config.ini, a key to its values
  double seconds = 0;                         // of training steps, validation not counted (log.txt)
};

// metrics.json, beside metrics.npz for whoever has no NumPy.
void WriteMetricsJson(const std::string& folder, const MetricSeries& metrics);

// Throws UsageError naming the folder for one that is no run, InputError for a damaged metrics.json.
TrainingRun ReadTrainingRun(const std::string& folder);

}  // namespace colmatch
