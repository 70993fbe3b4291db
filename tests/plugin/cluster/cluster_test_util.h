// Options of a plan, and the rows of a database as text, for the tests of plans.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "database_io/sqlite.h"
#include "plugin/matching/matching_job.h"
#include "plugin/pairs/pair_source.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

inline CommonOptions Common() {
  CommonOptions common;
  common.weights = "fast";
  common.num_threads = 1;
  common.progress = "off";
  return common;
}

inline MatchingPipelineOptions Matching(const std::string& database) {
  MatchingPipelineOptions options;
  options.database_path = database;
  return options;
}

inline PairSourceMaker Exhaustive() {
  return [](ColmapDatabase&, const std::vector<Image>& images) {
    return std::make_unique<ExhaustivePairs>(static_cast<int>(images.size()), 3);
  };
}

// All rows of these tables in the order of their keys, every byte.
inline std::string Rows(const std::string& path, const std::vector<std::string>& tables) {
  Connection connection(path, OpenMode::kReadOnly);
  std::string text;
  for (const std::string& table : tables) {
    text += table + '\n';
    std::vector<std::string> columns;
    {
      Statement statement(connection, "PRAGMA table_info(" + table + ")");
      while (statement.Step()) columns.push_back(statement.Text(1));
    }
    std::string list;
    for (const std::string& column : columns)
      list += (list.empty() ? "" : "||'|'||") + ("quote(" + column + ")");
    Statement statement(connection, "SELECT " + list + " FROM " + table + " ORDER BY 1");
    while (statement.Step()) text += statement.Text(0) + '\n';
  }
  return text;
}

inline std::string PairRows(const std::string& path) {
  return Rows(path, {"matches", "two_view_geometries", "colmatch_pairs"});
}

}  // namespace colmatch
