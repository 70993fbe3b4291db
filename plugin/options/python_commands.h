// The commands on HDF5. The Python package has them (python/colmatch/_program.py): h5py reads and writes the
// files, so that the program needs no library for them.
#pragma once

#include <string>
#include <vector>

namespace colmatch {

std::vector<std::string> PythonCommands();

// arguments: without the program's name. True for one of PythonCommands(), and for `match --pairs`.
bool IsPythonCommand(const std::vector<std::string>& arguments);

// Runs them by `python3 -m colmatch`, or by the interpreter that COLMATCH_PYTHON names: its exit status.
// Throws EnvironmentError where that has no package colmatch.
int RunPythonCommand(const std::vector<std::string>& arguments);

}  // namespace colmatch
