// Other programs; see handover.h.
#include "plugin/runtime/handover.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "plugin/runtime/colmap_program.h"
#include "plugin/runtime/stop_signal.h"
#include "util/error.h"

namespace colmatch {
namespace {

// The child's status once it has ended.
std::optional<int> StatusIfEnded(pid_t child) {
  int status = 0;
  const pid_t ended = waitpid(child, &status, WNOHANG);
  if (ended == child) return status;
  if (ended < 0 && errno != EINTR)
    throw EnvironmentError(std::string("lost a child process: ") + std::strerror(errno));
  return std::nullopt;
}

// The child's status. A request to stop is passed on: a signal may have been sent to this process alone.
int WaitFor(pid_t child, const std::function<void()>& while_waiting) {
  constexpr auto kInterval = std::chrono::milliseconds(20);
  constexpr int kIntervalsPerCall = 25;
  for (auto [told, count] = std::pair(false, 0);; ++count) {
    if (const auto status = StatusIfEnded(child)) return *status;
    if (StopRequested() && !told) told = kill(child, SIGTERM) == 0;
    if (while_waiting && count % kIntervalsPerCall == 0) while_waiting();
    std::this_thread::sleep_for(kInterval);
  }
}

// To be called in a child: becomes the program, or ends with 127.
[[noreturn]] void Become(const std::vector<std::string>& command) {
  RestoreSignals();
  setenv("QT_QPA_PLATFORM", "offscreen", 0);  // COLMAP opens Qt even without a window
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

// Reads until the other end is closed, the time is over or a signal requests a stop.
std::string ReadUntil(int file, std::chrono::steady_clock::time_point end) {
  constexpr size_t kMost = 1 << 20;
  std::string text;
  while (text.size() < kMost && !StopRequested()) {
    pollfd ready{file, POLLIN, 0};
    if (std::chrono::steady_clock::now() >= end) break;
    if (poll(&ready, 1, 50) <= 0) continue;
    char part[4096];
    const ssize_t count = read(file, part, sizeof(part));
    if (count <= 0) break;
    text.append(part, static_cast<size_t>(count));
  }
  return text;
}

// Wrappers that clear their environment or do not pass the probe on could start one another for ever.
void CountHandover() {
  constexpr char kVariable[] = "COLMATCH_HANDOVERS";
  constexpr int kMost = 8;
  const char* const text = std::getenv(kVariable);
  const int count = text == nullptr ? 0 : std::atoi(text);
  if (count >= kMost) {
    throw EnvironmentError(std::string("the colmap that is started leads back to colmatch, again and again; "
                                       "name COLMAP's own program: ") +
                           kColmapVariable + "=PATH");
  }
  setenv(kVariable, std::to_string(count + 1).c_str(), 1);
}

pid_t Start(const std::vector<std::string>& command, const std::string& log_path) {
  const pid_t child = fork();
  if (child < 0) throw EnvironmentError(std::string("cannot start a process: ") + std::strerror(errno));
  if (child > 0) return child;
  if (!log_path.empty()) {
    const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (log >= 0) dup2(log, STDOUT_FILENO), dup2(log, STDERR_FILENO);
  }
  Become(command);
}

int ExitStatus(int status, const std::vector<std::string>& command) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    throw EnvironmentError("cannot start " + command[0] + ": is it installed?");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::string PythonInterpreter() {
  const char* const named = std::getenv(kPythonVariable);
  return named == nullptr || *named == '\0' ? "python3" : named;
}

bool IsProgram(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(path.c_str(), X_OK) == 0;
}

std::vector<std::string> ProgramsOnPath(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  std::vector<std::string> found;
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + program;
    if (IsProgram(candidate)) found.push_back(candidate);
  }
  return found;
}

bool IsOnPath(const std::string& program) { return !ProgramsOnPath(program).empty(); }

int HandOverToColmap(const std::vector<std::string>& arguments) {
  const auto colmap = FindColmap();
  if (!colmap) {
    throw UsageError("\"" + (arguments.empty() ? "" : arguments[0]) +
                     "\" is not a command of colmatch, and there is no other colmap on PATH to hand it to (" +
                     kColmapVariable + "=PATH names one); see colmatch --help");
  }
  CountHandover();
  std::string path = colmap->path;
  std::vector<char*> words = {path.data()};
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  RestoreSignals();
  execvp(path.c_str(), words.data());
  throw EnvironmentError("cannot start " + path + ": " + std::strerror(errno));
}

std::string OutputOf(const std::vector<std::string>& command, double timeout_s) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return "";
  const pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    const int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0) dup2(nothing, STDIN_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    Become(command);
  }
  close(ends[1]);
  std::string text;
  if (child > 0) {
    setpgid(child, child);  // in both: whichever comes first
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(timeout_s);
    text = ReadUntil(ends[0], std::chrono::time_point_cast<std::chrono::steady_clock::duration>(end));
    kill(-child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  close(ends[0]);
  return text;
}

int RunProgram(const std::vector<std::string>& command, const std::string& log_path,
               const std::function<void()>& while_waiting) {
  const pid_t child = Start(command, log_path);
  const int status = WaitFor(child, while_waiting);
  return ExitStatus(status, command);
}

void RunSideBySide(const std::vector<std::vector<std::string>>& commands,
                   const std::vector<std::string>& log_paths, int at_once,
                   const std::function<void(size_t, int)>& ended) {
  std::map<pid_t, size_t> running;
  std::string failure;
  bool told = false;
  for (size_t next = 0; next < commands.size() || !running.empty();) {
    const bool may_start = failure.empty() && !StopRequested();
    if (!may_start && running.empty()) break;
    if (may_start && next < commands.size() && running.size() < static_cast<size_t>(at_once)) {
      running[Start(commands[next], log_paths[next])] = next;
      ++next;
      continue;
    }
    if (StopRequested() && !told) {
      for (const auto& [child, i] : running) kill(child, SIGTERM);
      told = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    for (auto it = running.begin(); it != running.end();) {
      const auto status = StatusIfEnded(it->first);
      if (!status) {
        ++it;
        continue;
      }
      const size_t i = it->second;
      it = running.erase(it);
      try {
        ended(i, ExitStatus(*status, commands[i]));
      } catch (const EnvironmentError& error) {
        failure = error.what();
      }
    }
  }
  if (!failure.empty()) throw EnvironmentError(failure);
}

}  // namespace colmatch
