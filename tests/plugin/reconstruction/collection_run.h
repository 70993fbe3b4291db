// Extraction and matching of the test photos by the program, and the whole of what it stored.
#pragma once

#include <string>
#include <vector>

#include "database_io/sqlite.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"

namespace colmatch {

// With weights and sizes that make a run short.
inline std::vector<std::string> ExtractArguments(const std::string& database,
                                                 const std::filesystem::path& photos = TestPhotos()) {
  return {"feature_extractor",
          "--database_path",
          database,
          "--image_path",
          photos,
          "--weights",
          "fast",
          "--num_threads",
          "1",
          "--SuperPoint.max_num_features",
          "200"};
}
inline std::vector<std::string> MatchArguments(const std::string& database) {
  return {"exhaustive_matcher", "--database_path", database, "--weights", "fast", "--num_threads", "1"};
}

inline std::vector<std::string> TextColumn(Connection& connection, const std::string& sql) {
  std::vector<std::string> values;
  Statement statement(connection, sql);
  while (statement.Step()) values.push_back(statement.Text(0));
  return values;
}

// Every row of every table, each value as SQLite's quote() writes it, by the tables' first columns.
inline std::string AllRows(const std::string& database) {
  Connection connection(database, OpenMode::kReadOnly);
  std::string rows;
  for (const std::string& table :
       TextColumn(connection, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")) {
    std::string values;
    for (const std::string& column :
         TextColumn(connection, "SELECT name FROM pragma_table_info('" + table + "')"))
      values += (values.empty() ? "quote(" : " || ',' || quote(") + column + ")";
    rows += table + "\n";
    for (const std::string& row :
         TextColumn(connection, "SELECT " + values + " FROM " + table + " ORDER BY 1"))
      rows += row + "\n";
  }
  return rows;
}

inline std::string IntegrityOf(const std::string& database) {
  return Connection(database, OpenMode::kReadWrite).QueryText("PRAGMA integrity_check");
}

}  // namespace colmatch
