// `colmatch completion`: hidden, called by `cmake --install`.
#include <filesystem>
#include <iostream>

#include "plugin/commands/command_list.h"
#include "plugin/options/completion.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

void WriteTo(const fs::path& file, const std::string& text) {
  MakeFolder(file.parent_path());
  WriteFileAtomically(file, text);
}

class CompletionCommand : public Command {
 public:
  std::string name() const override { return "completion"; }
  bool uses_openmp() const override { return false; }
  std::string description() const override {
    return "Print shell completion or the manual page, made from the program's own options";
  }
  std::string examples() const override { return "  source <(colmatch completion bash)"; }
  bool hidden() const override { return true; }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "what", what_,
              "bash, zsh, man, reference (docs/reference/commands.md), or all: every file to be installed, "
              "below --output_path")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "man", "reference", "all"}));
    AddOption(app, "--command", command_, "man: the page of this command");
    AddOption(app, "--output_path", output_path_, "all: the folder that is to be installed as share/");
  }
  int Run(const CommonOptions&) override {
    const auto all = AllCommands();
    CLI::App app{kProgramDescription};
    CommonOptions common;
    DeclareCommands(app, all, common);
    const auto commands = TableOf(app);
    if (what_ == "bash") std::cout << BashCompletion(commands);
    if (what_ == "zsh") std::cout << ZshCompletion(commands);
    if (what_ == "reference") std::cout << ReferencePage(commands);
    if (what_ == "man") std::cout << Page(commands);
    if (what_ == "all") WriteAll(commands);
    return 0;
  }

 private:
  std::string Page(const std::vector<CommandEntry>& commands) const {
    if (command_.empty()) return ManualPage(commands, kProgramDescription);
    for (const CommandEntry& command : commands) {
      if (command.name == command_) return CommandManualPage(command);
    }
    throw UsageError("--command " + command_ + ": colmatch has no such command; see colmatch --help");
  }
  void WriteAll(const std::vector<CommandEntry>& commands) const {
    if (output_path_.empty()) throw UsageError("completion all: --output_path names the folder to write to");
    const fs::path share(output_path_);
    WriteTo(share / "bash-completion/completions/colmatch", BashCompletion(commands));
    // Where zsh looks below /usr/local and, on Debian, below /usr.
    for (const char* folder : {"site-functions", "vendor-completions"})
      WriteTo(share / "zsh" / folder / "_colmatch", ZshCompletion(commands));
    WriteTo(share / "man/man1/colmatch.1", ManualPage(commands, kProgramDescription));
    for (const CommandEntry& command : commands)
      WriteTo(share / ("man/man1/colmatch-" + command.name + ".1"), CommandManualPage(command));
  }

  std::string what_, command_, output_path_;
};

}  // namespace

std::unique_ptr<Command> MakeCompletionCommand() { return std::make_unique<CompletionCommand>(); }

}  // namespace colmatch
