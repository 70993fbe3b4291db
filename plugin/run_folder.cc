// Run folders; see run_folder.h.
#include "plugin/run_folder.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "network/atomic_file.h"
#include "network/error.h"

namespace colmatch {

namespace fs = std::filesystem;

void WriteMetricsJson(const std::string& folder, const MetricSeries& metrics) {
  WriteFileAtomically((fs::path(folder) / "metrics.json").string(), nlohmann::json(metrics).dump() + "\n");
}

TrainingRun ReadTrainingRun(const std::string& folder) {
  TrainingRun run;
  fs::path path(folder);
  if (path.filename().empty()) path = path.parent_path();  // "runs/a/"
  run.name = path.filename().string();
  const fs::path metrics = path / "metrics.json";
  std::ifstream file(metrics);
  if (!file) throw UsageError(folder + ": is no run folder of `colmatch train`: it has no metrics.json");
  try {
    run.metrics = nlohmann::json::parse(file).get<MetricSeries>();
  } catch (const nlohmann::json::exception& error) {
    throw InputError(metrics.string() + ": not the metrics of a training, or damaged (" + error.what() + ")");
  }
  std::ifstream config(path / "config.ini");
  for (std::string line; std::getline(config, line);) {
    const size_t equals = line.find(" = ");
    if (line.empty() || line[0] == '#' || equals == std::string::npos) continue;
    std::string& value = run.config[line.substr(0, equals)];
    value += (value.empty() ? "" : " ") + line.substr(equals + 3);
  }
  return run;
}

}  // namespace colmatch
