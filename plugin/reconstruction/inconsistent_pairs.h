// Pairs of a database that contradict the others (plugin/pairs/pair_consistency.h), and a database for the
// mapper without them. The user's own stays as it is.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugin/report/report.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// Among the report's images, which are those of the database in its order.
std::vector<ReportContradiction> FindContradictions(const std::string& database_path,
                                                    const CommonOptions& common);

// Writes a copy in which these pairs have no two-view geometry, which is all that mappers read. Replaces one
// of a run before. Throws EnvironmentError where it cannot be written.
void CopyWithout(const std::vector<ReportContradiction>& pairs, const std::string& database_path,
                 const std::filesystem::path& copy, const CommonOptions& common);

}  // namespace colmatch
