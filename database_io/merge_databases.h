// Two databases in one, with everything colmatch noted: `colmatch database_merger`.
#pragma once

#include <cstdint>
#include <string>

#include "database_io/sqlite.h"

namespace colmatch {

struct DatabaseMergeStats {
  int64_t images = 0, cameras = 0, pairs = 0;  // of the merged file; pairs: rows of matches
  // Position priors of the second file that have no place in a file of the first one's COLMAP.
  int64_t lost_priors = 0;
};

// Makes merged_path: the first database as it is, tables and ids, and behind it the second's rows with ids
// that follow. The tables of any COLMAP from 3.8 are taken, and any features; neither file is changed. Throws
// UsageError where merged_path exists, or an image's name is in both; EnvironmentError as ColmapDatabase
// does. Nothing is left at merged_path then.
DatabaseMergeStats MergeDatabases(const std::string& path1, const std::string& path2,
                                  const std::string& merged_path, const ConnectionOptions& options = {});

// Writes a copy with what the file's log holds; the file is not changed. `copy` must not exist. Throws
// EnvironmentError.
void CopyDatabase(const std::string& path, const std::string& copy, const ConnectionOptions& options = {});

}  // namespace colmatch
