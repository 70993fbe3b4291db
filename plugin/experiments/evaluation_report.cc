// Output of the evaluation; see evaluation_report.h.
#include "plugin/experiments/evaluation_report.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "plugin/runtime/plot.h"
#include "util/atomic_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

int NumFailed(const EvaluationReport& report, const std::vector<Measures>& rows) {
  int failed = 0;
  for (const Measures& row : rows) {
    const auto found = row.find(report.failure_measure);
    failed += found == row.end() || std::isinf(found->second);
  }
  return failed;
}

void Put(Json& json, const Statistic& statistic, const Json& value) {
  if (statistic.threshold.empty()) {
    json[statistic.key] = value;
  } else {
    json[statistic.key][statistic.threshold] = value;
  }
}

Json ToJson(const EvaluationReport& report, const std::vector<Measures>& rows) {
  Json json, intervals;
  json["num_pairs"] = rows.size();
  json["num_failed"] = NumFailed(report, rows);
  for (const Statistic& statistic : report.statistics) {
    const Estimate estimate = EstimateStatistic(statistic, rows);
    Put(json, statistic, estimate.value);
    Put(intervals, statistic, Json{estimate.low, estimate.high});
  }
  json["confidence_95"] = intervals;
  return json;
}

std::string Number(double value, double scale) {
  char text[32];
  std::snprintf(text, sizeof text, scale == 1 ? "%.2f" : "%.1f", value * scale);
  return text;
}

// "75.9 (73.1-78.4)".
std::string Cell(const Estimate& estimate, double scale) {
  return Number(estimate.value, scale) + " (" + Number(estimate.low, scale) + "-" +
         Number(estimate.high, scale) + ")";
}

std::string Table(const EvaluationReport& report, const EvaluationRows& rows) {
  std::ostringstream text;
  text << "| method |";
  for (const Statistic& statistic : report.statistics) text << ' ' << statistic.title << " |";
  text << " failed |\n|---|";
  for (size_t i = 0; i <= report.statistics.size(); ++i) text << "---|";
  text << '\n';
  for (const std::string& method : report.methods) {
    text << "| " << method << " |";
    for (const Statistic& statistic : report.statistics)
      text << ' ' << Cell(EstimateStatistic(statistic, rows.rows.at(method)), statistic.scale) << " |";
    text << ' ' << NumFailed(report, rows.rows.at(method)) << " |\n";
  }
  for (const PublishedRow& row : report.published) {
    text << "| " << row.label << " |";
    for (const Statistic& statistic : report.statistics) {
      const auto found = row.by_title.find(statistic.title);
      text << ' ' << (found == row.by_title.end() ? "-" : Number(found->second, 1)) << " |";
    }
    text << " - |\n";
  }
  return text.str();
}

// The same without intervals, in columns a terminal shows.
void Print(const EvaluationReport& report, const EvaluationRows& rows) {
  std::printf("%-12s", "method");
  for (const Statistic& statistic : report.statistics) std::printf(" %13s", statistic.title.c_str());
  std::printf(" %7s\n", "failed");
  for (const std::string& method : report.methods) {
    std::printf("%-12s", method.c_str());
    for (const Statistic& statistic : report.statistics) {
      const double value = EstimateStatistic(statistic, rows.rows.at(method), 0).value;
      std::printf(" %13s", Number(value, statistic.scale).c_str());
    }
    std::printf(" %7d\n", NumFailed(report, rows.rows.at(method)));
  }
}

std::string Csv(const EvaluationReport& report, const EvaluationRows& rows) {
  std::set<std::string> names;
  for (const auto& [method, measures] : rows.rows) {
    for (const Measures& row : measures) {
      for (const auto& item : row) names.insert(item.first);
    }
  }
  std::ostringstream csv;
  csv << "pair,method";
  for (const std::string& name : names) csv << ',' << name;
  csv << '\n';
  for (const std::string& method : report.methods) {
    for (size_t i = 0; i < rows.pairs.size(); ++i) {
      csv << '"' << rows.pairs[i] << "\"," << method;
      const Measures& row = rows.rows.at(method)[i];
      for (const std::string& name : names) {
        csv << ',';
        if (const auto found = row.find(name); found != row.end()) csv << found->second;
      }
      csv << '\n';
    }
  }
  return csv.str();
}

// Share of pairs whose error is at most x, per method, for each error an AUC is made of.
void PlotErrors(const fs::path& folder, const EvaluationReport& report, const EvaluationRows& rows) {
  std::map<std::string, double> largest;
  for (const Statistic& statistic : report.statistics) {
    if (statistic.kind == Statistic::Kind::kAuc)
      largest[statistic.measure] = std::max(largest[statistic.measure], statistic.auc_threshold);
  }
  constexpr int kNumPoints = 100;
  for (const auto& [measure, end] : largest) {
    std::vector<Curve> curves;
    for (const std::string& method : report.methods) {
      Curve curve{method, {}, {}};
      for (int i = 0; i <= kNumPoints; ++i) {
        const double x = end * i / kNumPoints;
        double within = 0, count = 0;
        for (const Measures& row : rows.rows.at(method)) {
          if (const auto found = row.find(measure); found != row.end()) within += found->second <= x, ++count;
        }
        curve.x.push_back(x);
        curve.y.push_back(count > 0 ? within / count : 0);
      }
      curves.push_back(std::move(curve));
    }
    PlotCurves((folder / (measure + ".png")).string(),
               report.title + ": share of pairs with at most this " + measure, measure, curves);
  }
}

// Shares that were taken at several thresholds (pixels, degrees), per method.
void PlotShares(const fs::path& folder, const EvaluationReport& report, const EvaluationRows& rows) {
  std::map<std::string, std::vector<const Statistic*>> by_key;
  for (const Statistic& statistic : report.statistics) {
    if (statistic.kind != Statistic::Kind::kAuc && !statistic.threshold.empty())
      by_key[statistic.key].push_back(&statistic);
  }
  for (const auto& [key, statistics] : by_key) {
    std::vector<Curve> curves;
    for (const std::string& method : report.methods) {
      Curve curve{method, {}, {}};
      for (const Statistic* statistic : statistics) {
        curve.x.push_back(std::stod(statistic->threshold));
        curve.y.push_back(EstimateStatistic(*statistic, rows.rows.at(method), 0).value);
      }
      curves.push_back(std::move(curve));
    }
    PlotCurves((folder / (key + ".png")).string(), report.title + ": " + key, report.threshold_title, curves);
  }
}

}  // namespace

void WriteEvaluation(const std::string& folder, const EvaluationReport& report, const EvaluationRows& rows) {
  MakeFolder(folder);
  Json json = ToJson(report, rows.rows.at(report.methods.front()));
  json["protocol"] = report.title;
  json["method"] = report.methods.front();
  for (const auto& [name, value] : report.settings) json["settings"][name] = value;
  for (const std::string& method : report.methods)
    json["methods"][method] = ToJson(report, rows.rows.at(method));
  WriteFileAtomically((fs::path(folder) / "metrics.json").string(), json.dump(2) + "\n");
  WriteFileAtomically((fs::path(folder) / "pairs.csv").string(), Csv(report, rows));
  WriteFileAtomically((fs::path(folder) / "table.md").string(), Table(report, rows));
  PlotErrors(folder, report, rows);
  PlotShares(folder, report, rows);
  Print(report, rows);
}

}  // namespace colmatch
