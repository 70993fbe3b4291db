// `colmatch compare_runs`: trainings beside each other, curves and numbers.
#include <cstdio>
#include <filesystem>
#include <set>
#include <sstream>

#include "plugin/commands/command_list.h"
#include "plugin/experiments/run_folder.h"
#include "plugin/runtime/plot.h"
#include "util/atomic_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::set<std::string> MetricNames(const std::vector<TrainingRun>& runs) {
  std::set<std::string> names;
  for (const TrainingRun& run : runs) {
    for (const auto& item : run.metrics) {
      if (!EndsWith(item.first, "_step")) names.insert(item.first);
    }
  }
  return names;
}

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", value);
  return text;
}

// Options in which the runs differ, a line each.
std::string ConfigTable(const std::vector<TrainingRun>& runs) {
  std::set<std::string> keys;
  for (const TrainingRun& run : runs) {
    for (const auto& item : run.config) keys.insert(item.first);
  }
  std::ostringstream rows;
  for (const std::string& key : keys) {
    std::set<std::string> different;
    std::string row = "| " + key + " |";
    for (const TrainingRun& run : runs) {
      const auto found = run.config.find(key);
      const std::string value = found == run.config.end() ? "-" : found->second;
      different.insert(value);
      row += " " + value + " |";
    }
    if (different.size() > 1) rows << row << '\n';
  }
  return rows.str();
}

std::string Header(const std::string& first, const std::vector<TrainingRun>& runs) {
  std::string names = "| " + first + " |", line = "|---|";
  for (const TrainingRun& run : runs) {
    names += " " + run.name + " |";
    line += "---|";
  }
  return names + "\n" + line + "\n";
}

class CompareRuns : public Command {
 public:
  std::string name() const override { return "compare_runs"; }
  bool uses_openmp() const override { return false; }
  std::string description() const override {
    return "Trainings beside each other: where their options differ, their last metrics, and curves";
  }
  std::string examples() const override {
    return "  colmatch compare_runs runs/depth3 runs/depth9 --output comparison";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "runs", folders_, "run folders of `colmatch train`")->required();
    AddOption(app, "--output", output_, "folder for comparison.md and one picture per metric")->required();
  }

  int Run(const CommonOptions&) override {
    std::vector<TrainingRun> runs;
    for (const std::string& folder : folders_) runs.push_back(ReadTrainingRun(folder));
    MakeFolder(output_);
    std::string text;
    if (const std::string config = ConfigTable(runs); !config.empty())
      text += Header("option", runs) + config + "\n";
    text += Header("last value", runs);
    for (const std::string& metric : MetricNames(runs)) {
      text += "| " + metric + " |";
      std::vector<Curve> curves;
      for (const TrainingRun& run : runs) {
        const auto values = run.metrics.find(metric), steps = run.metrics.find(metric + "_step");
        const bool has = values != run.metrics.end() && steps != run.metrics.end() && !values->second.empty();
        text += has ? " " + Number(values->second.back()) + " |" : " - |";
        if (has) curves.push_back({run.name, steps->second, values->second});
      }
      text += "\n";
      PlotCurves((fs::path(output_) / (metric + ".png")).string(), metric, "step", curves);
    }
    WriteFileAtomically((fs::path(output_) / "comparison.md").string(), text);
    std::fputs(text.c_str(), stdout);
    return 0;
  }

 private:
  std::vector<std::string> folders_;
  std::string output_;
};

}  // namespace

std::unique_ptr<Command> MakeCompareRunsCommand() { return std::make_unique<CompareRuns>(); }

}  // namespace colmatch
