// Finds pairs of a database that contradict the others (plugin/pairs/pair_consistency.h), and makes a copy of
// the database without them for the mapper. The user's database is not changed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugin/report/report.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// Contradictions among the images of the report, which are the database's images in the same order.
std::vector<ReportContradiction> FindContradictions(const std::string& database_path,
                                                    const CommonOptions& common);

// Writes a copy of the database in which these pairs have no two-view geometry; mappers read nothing else of
// a pair. Replaces a copy of an earlier run. Throws EnvironmentError if the copy cannot be written.
void CopyWithout(const std::vector<ReportContradiction>& pairs, const std::string& database_path,
                 const std::filesystem::path& copy, const CommonOptions& common);

}  // namespace colmatch
