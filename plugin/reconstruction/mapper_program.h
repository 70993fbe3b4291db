// Which program maps: COLMAP's own, or the Python package pycolmap.
#pragma once

#include <string>
#include <vector>

#include "plugin/runtime/colmap_program.h"

namespace colmatch {

struct MapperProgram {
  std::vector<std::string> command;  // the program with its first arguments, the mapper's command last
  std::string name;                  // "COLMAP 3.8 (/usr/bin/colmap)", "pycolmap 4.2.1 (python3)"
};

// The command of COLMAP's program for this mapper (incremental, hierarchical, global), if `colmap` has it.
// One that does not list its commands is taken to have every mapper.
bool HasMapper(const ColmapProgram& colmap, const std::string& mapper);

// The `colmap` of FindColmap() if it has this mapper. Otherwise pycolmap of python3 (or of the interpreter
// that COLMATCH_PYTHON names). Throws EnvironmentError if neither has it: names what was found, the mappers
// that it has, and what to install.
MapperProgram FindMapper(const std::string& mapper);

}  // namespace colmatch
