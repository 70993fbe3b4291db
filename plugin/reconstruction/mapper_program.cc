// The choice of a mapper's program; see mapper_program.h.
#include "plugin/reconstruction/mapper_program.h"

#include <algorithm>
#include <optional>

#include "plugin/runtime/handover.h"
#include "pycolmap_script_generated.h"
#include "util/error.h"

namespace colmatch {
namespace {

std::string CommandOf(const std::string& mapper) {
  return mapper == "incremental" ? "mapper" : mapper + "_mapper";
}

std::string Named(const std::string& name, const std::string& version, const std::string& path) {
  return name + (version.empty() ? "" : " " + version) + " (" + path + ")";
}

// "incremental, hierarchical"; "none".
std::string MappersOf(const ColmapProgram& colmap) {
  std::string list;
  for (const char* mapper : {"incremental", "hierarchical", "global"}) {
    if (HasMapper(colmap, mapper)) list += (list.empty() ? "" : ", ") + std::string(mapper);
  }
  return list.empty() ? "none" : list;
}

// What pycolmap answers to `help`; nothing where the interpreter or the package is missing.
std::optional<ColmapProgram> AskPycolmap(const std::string& python) {
  constexpr double kPatience_s = 60;  // a first import from a cold disk
  ColmapProgram program{python, OutputOf({python, "-c", kPycolmapScript, "help"}, kPatience_s)};
  if (program.Commands().empty()) return std::nullopt;
  return program;
}

std::string NothingFound(const std::string& python) {
  const std::string pycolmap = " nor pycolmap (" + python + ") was found";
  if (!ProgramsOnPath("colmap").empty())
    return "; the only colmap on PATH is colmatch itself, and neither COLMAP's" + pycolmap;
  return "; neither `colmap` (PATH, or " + std::string(kColmapVariable) + "=PATH)" + pycolmap;
}

}  // namespace

bool HasMapper(const ColmapProgram& colmap, const std::string& mapper) {
  const auto commands = colmap.Commands();
  return commands.empty() || std::find(commands.begin(), commands.end(), CommandOf(mapper)) != commands.end();
}

MapperProgram FindMapper(const std::string& mapper) {
  const std::string command = CommandOf(mapper);
  const auto colmap = FindColmap();
  if (colmap && HasMapper(*colmap, mapper))
    return {{colmap->path, command}, Named("COLMAP", colmap->Version(), colmap->path)};
  const std::string python = PythonInterpreter();
  const auto pycolmap = AskPycolmap(python);
  if (pycolmap && HasMapper(*pycolmap, mapper))
    return {{python, "-c", kPycolmapScript, command}, Named("pycolmap", pycolmap->Version(), python)};
  std::string found;
  for (const auto& [name, program] : {std::pair("COLMAP", &colmap), std::pair("pycolmap", &pycolmap)}) {
    if (*program)
      found += "; " + Named(name, (*program)->Version(), (*program)->path) + " has " + MappersOf(**program);
  }
  throw EnvironmentError("--mapper " + mapper + ": there is no program for it" +
                         (found.empty() ? NothingFound(python) : found) + ". " +
                         (mapper == "global" ? "COLMAP has it from version 4 on: install that one"
                                             : "Install COLMAP (apt-get install colmap)") +
                         ", or pycolmap (python3 -m pip install pycolmap; " + kPythonVariable +
                         "=PATH names another interpreter)");
}

}  // namespace colmatch
