// What every command of the program shares: common options, progress, the stop signal.
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace colmatch {

struct CommonOptions {
  std::string weights = "default";   // name, folder, file, or superpoint=PATH,superglue=PATH
  std::string device = "auto";       // auto, cpu, cuda, cuda:i
  std::string precision = "auto";    // auto, fp32
  int num_threads = -1;              // -1: all cores
  uint64_t random_seed = 0;
  std::string progress = "auto";     // auto: when standard error is a terminal; on; off
  std::string log_level = "info";
};

// One command: AddOptions declares, Run works. Run returns the exit status of DESIGN.md section 4 or throws.
class Command {
 public:
  virtual ~Command() = default;
  virtual std::string name() const = 0;
  virtual std::string description() const = 0;  // first line of --help
  virtual std::string examples() const { return ""; }
  virtual void AddOptions(CLI::App& app) = 0;
  virtual int Run(const CommonOptions& common) = 0;
};

// The one list of commands a build offers (commands_core.cc, commands_full.cc).
std::vector<std::unique_ptr<Command>> AllCommands();

// Set by SIGINT and SIGTERM; a second signal ends the process at once.
const std::atomic<bool>& StopRequested();
// 130 or 143 after a signal, else 0.
int StopStatus();

// Declares an option whose default is shown by --help. Every spelling in `names` is taken ("--a,--b").
template <typename T>
CLI::Option* AddOption(CLI::App& app, const std::string& names, T& field, const std::string& help) {
  return app.add_option(names, field, help)->capture_default_str();
}

}  // namespace colmatch
