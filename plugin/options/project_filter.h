// Which settings of a project file concern a command.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

namespace colmatch {

// COLMAP writes one project file for all of its commands. One command leaves out settings of sections that
// are not its own, and those that the command line or a line before says under another name
// (SiftExtraction.num_threads, SiftMatching.num_threads). A misspelt key of its own section stays an error.
class ProjectFilter {
 public:
  // app must outlive it; arguments: the command line as given.
  ProjectFilter(const CLI::App& app, const std::string& command, const std::vector<std::string>& arguments);

  // Whether a line of a project file is left out; option with its two hyphens. Call it once a line, in order.
  bool LeavesOut(const std::string& option);

 private:
  bool HasSection(const std::string& prefix) const;

  const CLI::App* sub_ = nullptr;
  std::map<const CLI::Option*, std::string> said_;
};

}  // namespace colmatch
