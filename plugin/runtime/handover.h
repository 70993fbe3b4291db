// Other programs: finding and running them.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace colmatch {

// Replaces this process by COLMAP's program (colmap_program.h) with the same arguments; no shell in between.
// Throws UsageError naming the command if there is none, EnvironmentError where COLMAP's program leads back
// to colmatch.
int HandOverToColmap(const std::vector<std::string>& arguments);

// Runs a program and waits, passing a request to stop on as SIGTERM; its output goes to log_path if that is
// not empty. Returns its exit status (128 + signal). Throws EnvironmentError if it cannot be started.
// While it runs, while_waiting is called about twice a second.
int RunProgram(const std::vector<std::string>& command, const std::string& log_path,
               const std::function<void()>& while_waiting = {});

// Runs commands at most `at_once` at a time, the output of each into its log. ended(i, status) is called in
// this thread as each ends. A request to stop is passed on; those that have not begun are left out then.
// Throws EnvironmentError where one cannot be started, once the others have ended.
void RunSideBySide(const std::vector<std::vector<std::string>>& commands,
                   const std::vector<std::string>& log_paths, int at_once,
                   const std::function<void(size_t, int)>& ended);

// What a program prints on both its streams, at most 1 MB; its standard input is empty. It is killed, with
// what it started, after so many seconds. Empty where it cannot be started.
std::string OutputOf(const std::vector<std::string>& command, double timeout_s);

inline constexpr char kPythonVariable[] = "COLMATCH_PYTHON";

// The Python interpreter: what the environment variable COLMATCH_PYTHON names, or python3.
std::string PythonInterpreter();

// Whether the path is of a file that may be executed.
bool IsProgram(const std::string& path);

// The programs of this name in the folders of PATH, in their order.
std::vector<std::string> ProgramsOnPath(const std::string& program);

// Whether there is one.
bool IsOnPath(const std::string& program);

}  // namespace colmatch
