// Running COLMAP; see handover.h.
#include "plugin/handover.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

#include "network/error.h"
#include "plugin/stop_signal.h"

namespace colmatch {
namespace {

// The child's status. A request to stop is passed on: a signal may have been sent to this process alone.
int WaitFor(pid_t child) {
  constexpr auto kInterval = std::chrono::milliseconds(20);
  for (bool told = false;;) {
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR)
      throw EnvironmentError(std::string("lost a child process: ") + std::strerror(errno));
    if (StopRequested() && !told) told = kill(child, SIGTERM) == 0;
    std::this_thread::sleep_for(kInterval);
  }
}

}  // namespace

bool IsOnPath(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

int HandOverToColmap(int argc, char** argv) {
  if (!IsOnPath("colmap")) {
    throw UsageError(
        std::string("\"") + argv[1] +
        "\" is not a command of colmatch, and there is no colmap on PATH to hand it to; see colmatch --help");
  }
  std::string name = "colmap";
  std::vector<char*> arguments = {name.data()};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  arguments.push_back(nullptr);
  RestoreSignals();
  execvp("colmap", arguments.data());
  throw EnvironmentError(std::string("cannot start colmap: ") + std::strerror(errno));
}

int RunProgram(const std::vector<std::string>& command, const std::string& log_path) {
  const pid_t child = fork();
  if (child < 0) throw EnvironmentError(std::string("cannot start a process: ") + std::strerror(errno));
  if (child == 0) {
    RestoreSignals();
    if (!log_path.empty()) {
      const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
      if (log >= 0) dup2(log, STDOUT_FILENO), dup2(log, STDERR_FILENO);
    }
    setenv("QT_QPA_PLATFORM", "offscreen", 0);  // COLMAP opens Qt even without a window
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  const int status = WaitFor(child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    throw EnvironmentError("cannot start " + command[0] + ": is it installed?");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace colmatch
