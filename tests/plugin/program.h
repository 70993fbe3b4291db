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
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace colmatch {

struct ProgramResult {
  int status = 0;      // exit status, or 128 + signal
  std::string output;  // standard output and error together
};

// `colmatch` with these arguments. after_ms >= 0: SIGTERM is sent then. environment: NAME=VALUE.
inline ProgramResult RunColmatch(const std::vector<std::string>& arguments, int term_after_ms = -1,
                                 const std::vector<std::string>& environment = {}) {
  const std::string log =
      (std::filesystem::temp_directory_path() / ("colmatch_output_" + std::to_string(getpid()))).string();
  const pid_t child = fork();
  if (child == 0) {
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    std::signal(SIGTERM, SIG_DFL);
    for (const std::string& entry : environment) putenv(const_cast<char*>(entry.c_str()));
    const std::string program = std::string(COLMATCH_BINARY_DIR) + "/colmatch";
    std::vector<char*> argv = {const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  if (term_after_ms >= 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(term_after_ms));
    kill(child, SIGTERM);
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::ifstream stream(log, std::ios::binary);
  ProgramResult result;
  result.output.assign(std::istreambuf_iterator<char>(stream), {});
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::filesystem::remove(log);
  return result;
}

}  // namespace colmatch
