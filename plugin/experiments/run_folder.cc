// Run folders; see run_folder.h.
#include "plugin/experiments/run_folder.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "plugin/runtime/log.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {

namespace fs = std::filesystem;

namespace {

// "step 50/5000 loss 0.7 steps/s 1.2": steps since the line before over their rate, summed.
double SecondsOf(const fs::path& log) {
  std::ifstream file(log);
  double seconds = 0, last_step = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('/')));
    std::string word;
    double step = 0;
    const size_t rate_at = line.rfind(" steps/s ");
    if (!(words >> word >> step) || rate_at == std::string::npos ||
        line.find(" validation ") != std::string::npos)
      continue;
    const double rate = std::strtod(line.c_str() + rate_at + 9, nullptr);
    // A resumed run may repeat steps it had lost.
    if (rate > 0 && step > last_step) seconds += (step - last_step) / rate;
    last_step = step;
  }
  return seconds;
}

}  // namespace

void ShowProgress(const TrainProgress& progress, ProgressBar& bar, const std::string& mode) {
  std::ostringstream text;
  for (const auto& [name, value] : progress.metrics) text << ' ' << name << ' ' << value;
  bar.Update(progress.step, text.str());
  if (mode == "off")
    LogInfo("step " + std::to_string(progress.step) + (progress.validation ? " validation" : "") +
            text.str());
}

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
  run.seconds = SecondsOf(path / "log.txt");
  return run;
}

}  // namespace colmatch
