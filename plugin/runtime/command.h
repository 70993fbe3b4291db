// What a command of the program is.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "plugin/runtime/common_options.h"
#include "plugin/runtime/stop_signal.h"
#include "util/option_declaration.h"

namespace colmatch {

// One command: AddOptions declares, Run works. Run returns the exit status of DESIGN.md section 4 or throws.
class Command {
 public:
  virtual ~Command() = default;
  virtual std::string name() const = 0;
  // Earlier names, which are still accepted and which --help does not list.
  virtual std::vector<std::string> aliases() const { return {}; }
  virtual std::string description() const = 0;  // first line of --help
  virtual std::string examples() const { return ""; }
  virtual bool hidden() const { return false; }  // from --help and completion
  // Whether operations inside run on OpenMP's threads, for which main starts the program once more (0.5 s).
  // Commands whose workers compute alone, one photo or pair each, do not need it.
  virtual bool uses_openmp() const { return true; }
  // What --precision may say beside auto and fp32.
  virtual std::vector<std::string> precisions() const { return {}; }
  virtual void AddOptions(CLI::App& app) = 0;
  virtual int Run(const CommonOptions& common) = 0;
};

// The precisions() of whatever matches.
inline std::vector<std::string> MatchingPrecisions() { return {kBf16, kFp16, kInt8}; }

// The one list of commands a build offers (commands_core.cc, commands_full.cc).
std::vector<std::unique_ptr<Command>> AllCommands();

inline constexpr char kProgramDescription[] =
    "colmatch: SuperPoint and SuperGlue for COLMAP. A command that is not listed is handed to `colmap`.";

// The heading in --help of the options that are there for COLMAP's scripts: other names, and what has no
// meaning here.
inline constexpr char kColmapGroup[] = "COLMAP's options, taken as docs/colmap_options.md says";

// Declares every command with its options, those of all commands included, which land in `common`: what main
// parses, and what completion and manual pages are made from.
void DeclareCommands(CLI::App& app, const std::vector<std::unique_ptr<Command>>& commands,
                     CommonOptions& common);

// Declares an option whose default is shown by --help. Every spelling in `names` is taken ("--a,--b").
template <typename T>
CLI::Option* AddOption(CLI::App& app, const std::string& names, T& field, const std::string& help) {
  return app.add_option(names, field, help)->capture_default_str();
}

// The same of an option with bounds, which --help and the documentation show: another value is a UsageError.
template <typename T>
CLI::Option* AddOption(CLI::App& app, const std::string& names, T& field, const std::string& help,
                       const Bounds<T>& bounds) {
  const std::string name = FirstSpelling(names);
  const auto check = [name, bounds](const std::string& text) {
    T value;
    if (CLI::detail::lexical_cast(text, value)) bounds.Require(name, value);
    return std::string();  // what is no number is refused by CLI11
  };
  return AddOption(app, names, field, help)->check(CLI::Validator(check, bounds.Text()));
}

// The same of an option that is declared beside its field. more_help follows its help.
template <typename T>
CLI::Option* AddOption(CLI::App& app, T& field, const Declaration<T>& option,
                       const std::string& more_help = "") {
  const std::string help = option.help + more_help;
  return option.bounds.IsAny() ? AddOption(app, option.names, field, help)
                               : AddOption(app, option.names, field, help, option.bounds);
}

// The options that every command takes, COLMAP's spellings of them included.
void AddCommonOptions(CLI::App& app, CommonOptions& common);

}  // namespace colmatch
