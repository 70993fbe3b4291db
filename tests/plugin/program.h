// Runs the program under test as a person's shell would, and keeps what it printed.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace colmatch {

struct ProgramResult {
  int status = 0;      // exit status, or 128 + signal
  std::string output;  // standard output and error together
};

// `colmatch` with these arguments, running. prepare: called in the child before it becomes colmatch, to set
// limits or close streams.
class RunningColmatch {
 public:
  explicit RunningColmatch(const std::vector<std::string>& arguments,
                           const std::function<void()>& prepare = {}) {
    static int count = 0;
    log_ = std::filesystem::temp_directory_path() /
           ("colmatch_output_" + std::to_string(getpid()) + "_" + std::to_string(count++));
    child_ = fork();
    if (child_ == 0) {
      const int file = open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
      dup2(file, STDOUT_FILENO);
      dup2(file, STDERR_FILENO);
      close(file);
      std::signal(SIGTERM, SIG_DFL);
      std::signal(SIGINT, SIG_DFL);  // a shell's background job ignores it
      if (prepare) prepare();
      const std::string program = std::string(COLMATCH_BINARY_DIR) + "/colmatch";
      std::vector<char*> argv = {const_cast<char*>(program.c_str())};
      for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
      argv.push_back(nullptr);
      execv(program.c_str(), argv.data());
      _exit(127);
    }
  }
  ~RunningColmatch() {
    if (child_ > 0) Kill();
    std::filesystem::remove(log_);
  }
  RunningColmatch(const RunningColmatch&) = delete;
  RunningColmatch& operator=(const RunningColmatch&) = delete;

  void Signal(int signal) {
    if (child_ > 0) kill(child_, signal);  // 0 would be everybody
  }

  bool HasEnded() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid == child_;
  }

  // Once.
  ProgramResult Wait() {
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = 0;
    std::ifstream stream(log_, std::ios::binary);
    ProgramResult result;
    result.output.assign(std::istreambuf_iterator<char>(stream), {});
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
  }

  ProgramResult Kill() {
    Signal(SIGKILL);
    return Wait();
  }

 private:
  std::filesystem::path log_;
  pid_t child_ = 0;
};

// `colmatch` with these arguments. after_ms >= 0: SIGTERM is sent then. environment: NAME=VALUE.
inline ProgramResult RunColmatch(const std::vector<std::string>& arguments, int term_after_ms = -1,
                                 const std::vector<std::string>& environment = {}) {
  RunningColmatch program(arguments, [&] {
    for (const std::string& entry : environment) putenv(const_cast<char*>(entry.c_str()));
  });
  if (term_after_ms >= 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(term_after_ms));
    program.Signal(SIGTERM);
  }
  return program.Wait();
}

}  // namespace colmatch
