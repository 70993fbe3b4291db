// Shared by the database tests: whole-file bytes, table dumps, a small filled database.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "database_io/colmap_database.h"
#include "tests/message_of.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {

inline std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Names of the files in a folder, sorted: nothing may be left beside a database.
inline std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

inline void Sql(const std::string& path, const std::string& sql) {
  Connection(path, OpenMode::kReadWriteCreate).Execute(sql);
}

inline int64_t SqlInt64(const std::string& path, const std::string& sql) {
  return Connection(path, OpenMode::kReadOnly).QueryInt64(sql);
}

// Every value of a query, as SQLite's quote() writes it: equal dumps are equal rows.
inline std::string Dump(const std::string& path, const std::string& table, const std::string& columns) {
  Connection connection(path, OpenMode::kReadOnly);
  std::string quoted;
  std::stringstream list(columns);
  for (std::string column; std::getline(list, column, ',');) {
    quoted += (quoted.empty() ? "quote(" : " || ',' || quote(") + column + ")";
  }
  return connection.QueryText("SELECT group_concat(line, char(10)) FROM (SELECT " + quoted +
                              " AS line FROM " + table + " ORDER BY 1)");
}

// What colmatch wrote and COLMAP must leave alone.
inline std::string DumpFeaturesAndPairs(const std::string& path) {
  return Dump(path, "cameras", "camera_id,model,width,height,params,prior_focal_length") + "\n" +
         Dump(path, "images", "image_id,name,camera_id") + "\n" +
         Dump(path, "keypoints", "image_id,rows,cols,data") + "\n" +
         Dump(path, "descriptors", "image_id,rows,cols,data") + "\n" +
         Dump(path, "matches", "pair_id,rows,cols,data") + "\n" +
         Dump(path, "two_view_geometries", "pair_id,rows,cols,data,config,F,E,H") + "\n" +
         Dump(path, "colmatch_images", "image_id,provenance,scores") + "\n" +
         Dump(path, "colmatch_pairs", "pair_id,provenance,scores") + "\n" +
         Dump(path, "colmatch_meta", "key,value");
}

inline Camera TestCamera() { return {0, 2, 640, 480, {500.0, 320.0, 240.0, 0.01}, true}; }

inline KeypointsBlob TestKeypoints(size_t rows, float offset = 0) {
  KeypointsBlob keypoints{rows, 2, {}};
  for (size_t i = 0; i < rows; ++i) {
    keypoints.xy.push_back(0.5F + static_cast<float>(i * 7 % 600) + offset);
    keypoints.xy.push_back(0.5F + static_cast<float>(i * 13 % 450) + offset / 2);
  }
  return keypoints;
}

inline Descriptors TestDescriptors(size_t rows, int dim) {
  Descriptors descriptors{rows, dim, {}};
  for (size_t i = 0; i < rows * static_cast<size_t>(dim); ++i) {
    descriptors.values.push_back(static_cast<float>(i % 101) / 128.0F - 0.25F);
  }
  return descriptors;
}

inline Matches TestMatches(size_t rows) {
  Matches matches;
  for (uint32_t i = 0; i < rows; ++i) matches.push_back({i, static_cast<uint32_t>(rows) - 1 - i});
  return matches;
}

inline TwoViewGeometry TestGeometry(size_t rows) {
  TwoViewGeometry geometry;
  geometry.config = TwoViewConfig::kCalibrated;
  geometry.inlier_matches = TestMatches(rows);
  geometry.F = Matrix3{1e-6, 2e-5, -3e-3, -4e-5, 5e-7, 6e-3, 7e-3, -8e-3, 1};
  geometry.E = Matrix3{0.1, -0.2, 0.3, 0.4, 0.5, -0.6, -0.7, 0.8, 0.9};
  geometry.H = Matrix3{1.5, 0.25, 10, -0.125, 0.75, -20, 1e-4, 2e-4, 1};
  geometry.qvec = {0.5, -0.5, 0.5, 0.5};
  geometry.tvec = {1, 2, -3};
  return geometry;
}

// Three images named a.jpg, sub/ü 図.jpg, c.jpg with 20 keypoints each; every pair matched and verified.
inline void FillDatabase(ColmapDatabase& database, int dim = 256) {
  Transaction transaction = database.BeginTransaction();
  const camera_t camera_id = database.AddCamera(TestCamera());
  std::vector<image_t> ids;
  for (const char* name : {"a.jpg", "sub/\xC3\xBC \xE5\x9B\xB3.jpg", "c.jpg"}) {
    Image image{0, name, camera_id, {}};
    if (ids.empty()) image.prior_position = GeoPosition{48.5, 11.25, 512.0};
    ids.push_back(database.AddImage(image));
    KeypointsBlob keypoints = TestKeypoints(20, static_cast<float>(ids.size()));
    if (ids.size() == 3) {  // one image with scales
      keypoints.cols = 4;
      keypoints.scales.assign(20, 1.5F);
    }
    database.WriteKeypoints(ids.back(), keypoints);
    database.WriteDescriptors(ids.back(), TestDescriptors(20, dim));
    database.WriteImageProvenance(ids.back(), "{\"weights\":\"test\"}", std::vector<float>(20, 0.5F));
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    for (size_t j = i + 1; j < ids.size(); ++j) {
      database.WriteMatches(ids[i], ids[j], TestMatches(20));
      database.WritePairProvenance(ids[i], ids[j], "{\"matcher\":\"test\"}", std::vector<float>(20, 0.75F));
      database.WriteTwoViewGeometry(ids[i], ids[j], TestGeometry(18));
    }
  }
  transaction.Commit();
}

inline std::string MakeFilledDatabase(const TemporaryFolder& folder,
                                      const std::string& name = "database.db") {
  ColmapDatabase database(folder.File(name), DatabaseMode::kCreateOrOpen);
  FillDatabase(database);
  return folder.File(name);
}

// Exit status of a shell command whose output goes to a file.
inline int RunCommand(const std::string& command, const std::string& log) {
  const int status = std::system((command + " >'" + log + "' 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace colmatch
