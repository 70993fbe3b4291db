// COLMAP's .ini project files, and any "key = value" configuration, as command line arguments.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace colmatch {

// Replaces every "--project_path F" and "--config F" in arguments by "--section.key value" for each line of
// F, placed so that what the command line says itself wins. Keys above the first [section] have no prefix.
// Options of which is_foreign says so are left out: COLMAP writes one file for all of its commands. Throws
// UsageError.
std::vector<std::string> ExpandProjectFiles(std::vector<std::string> arguments,
                                            const std::function<bool(const std::string&)>& is_foreign = {});

}  // namespace colmatch
