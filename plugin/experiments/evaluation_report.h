// What a run of `colmatch evaluate` leaves behind: metrics.json for programs, table.md and error curves for
// people, pairs.csv with one row a pair.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "evaluation/summary.h"

namespace colmatch {

// Rows of one protocol: for each method one Measures a pair, all methods over the same pairs.
struct EvaluationRows {
  std::vector<std::string> pairs;                     // names
  std::map<std::string, std::vector<Measures>> rows;  // by method
};

// A line of somebody's paper, in the units of the table; what it does not say is left out.
struct PublishedRow {
  std::string label;
  std::map<std::string, double> by_title;
};

struct EvaluationReport {
  std::string title;                       // of the protocol
  std::vector<std::string> methods;        // in the table's order; the first one's numbers stand at the top
  std::vector<Statistic> statistics;       // level of metrics.json, all are under "methods"
  std::string failure_measure;             // infinite where a pair failed: counted as num_failed
  std::string threshold_title = "pixels";  // what shares are taken at
  std::vector<PublishedRow> published;     // measured by others on other photos
  std::map<std::string, std::string> settings;  // said in metrics.json
};

// Prints the table and writes all files into `folder`. Throws EnvironmentError if it cannot.
void WriteEvaluation(const std::string& folder, const EvaluationReport& report, const EvaluationRows& rows);

}  // namespace colmatch
