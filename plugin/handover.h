// Commands that colmatch does not have are COLMAP's.
#pragma once

#include <string>
#include <vector>

namespace colmatch {

// Replaces this process by `colmap` with the same arguments; no shell in between. Throws UsageError naming
// the command if there is no `colmap` on PATH.
int HandOverToColmap(int argc, char** argv);

// Runs a program and waits, passing a request to stop on as SIGTERM; its output goes to log_path if that is
// not empty. Returns its exit status (128 + signal). Throws EnvironmentError if it cannot be started.
int RunProgram(const std::vector<std::string>& command, const std::string& log_path);

// Whether a program of this name is on PATH.
bool IsOnPath(const std::string& program);

}  // namespace colmatch
