// The program's help and version; see program_help.h.
#include "plugin/options/program_help.h"

#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plugin/options/python_commands.h"
#include "plugin/runtime/colmap_program.h"
#include "plugin/runtime/log.h"
#include "util/error.h"

namespace colmatch {
namespace {

// Of the options and of the database that colmatch follows where there is no COLMAP to ask.
constexpr char kOwnColmapVersion[] = "3.8";

bool IsOneOf(const std::string& word, std::initializer_list<const char*> words) {
  for (const char* candidate : words) {
    if (word == candidate) return true;
  }
  return false;
}

// Help must not fail because COLMATCH_COLMAP is wrong.
std::optional<ColmapProgram> ColmapIfAny() {
  try {
    return FindColmap();
  } catch (const EnvironmentError& error) {
    LogWarning(error.what());
    return std::nullopt;
  }
}

std::string VersionOf(const std::optional<ColmapProgram>& colmap) {
  const std::string version = colmap ? colmap->Version() : "";
  return version.empty() ? kOwnColmapVersion : version;
}

std::string CudaLine(const std::optional<ColmapProgram>& colmap, bool has_gpu) {
  const std::string commit = colmap ? colmap->Commit() : "";
  const bool cuda = has_gpu || (colmap && colmap->HasCuda());
  return '(' + commit + (commit.empty() ? "" : " ") + (cuda ? "with CUDA)" : "without CUDA)");
}

// COLMAP's commands that colmatch hands over, one a line as COLMAP lists them.
void PrintCommandsOf(const ColmapProgram& colmap, const CLI::App& app) {
  std::set<std::string> ours = {"help", "version"};
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    ours.insert(command->get_name());
  std::cout << "\nCommands of COLMAP, which " << colmap.path << " does:\n";
  for (const std::string& command : colmap.Commands()) {
    if (ours.count(command) == 0) std::cout << "  " << command << '\n';
  }
}

}  // namespace

bool AsksForHelp(const std::string& word) { return IsOneOf(word, {"", "help", "-h", "--help"}); }

bool AsksForVersion(const std::string& word) { return IsOneOf(word, {"version", "-v", "--version"}); }

void PrintProgramHelp(const CLI::App& app, bool has_gpu) {
  const auto colmap = ColmapIfAny();
  std::cout << "COLMAP " << VersionOf(colmap) << " -- with SuperPoint and SuperGlue by colmatch "
            << COLMATCH_VERSION << "\n              " << CudaLine(colmap, has_gpu) << "\n\n"
            << app.help() << "\nCommands on HDF5, which the Python package does (docs/python.md):\n";
  for (const std::string& command : PythonCommands()) std::cout << "  " << command << '\n';
  std::cout << "  match --pairs\n";
  if (colmap) {
    PrintCommandsOf(*colmap, app);
  } else {
    std::cout << "\nThere is no COLMAP on PATH, which has the other commands (" << kColmapVariable
              << "=PATH names one).\n";
  }
}

void PrintVersion(bool has_gpu) {
  const auto colmap = ColmapIfAny();
  std::cout << "colmatch " << COLMATCH_VERSION << "\nCOLMAP " << VersionOf(colmap) << ' '
            << CudaLine(colmap, has_gpu) << (colmap ? ", " + colmap->path : std::string(", none is on PATH"))
            << '\n';
}

}  // namespace colmatch
