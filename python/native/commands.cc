// Commands for Python; see commands.h.
#include "python/native/commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "plugin/commands/program.h"
#include "python/native/sessions.h"
#include "util/error.h"

namespace colmatch {
namespace {

OptionInfo InfoOf(const CLI::Option& option) {
  OptionInfo info;
  const auto& names = option.get_lnames();
  info.name = names.front();
  info.aliases.assign(names.begin() + 1, names.end());
  info.default_value = option.get_default_str();
  info.type = option.get_type_name();
  info.help = option.get_description();
  info.required = option.get_required();
  info.hidden = option.get_group().empty() || option.get_group() == kColmapGroup;
  return info;
}

std::vector<OptionInfo> InfosOf(const CLI::App& app) {
  std::vector<OptionInfo> infos;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() || option->get_lnames().front() == "help") continue;
    infos.push_back(InfoOf(*option));
  }
  return infos;
}

// The whole program's option tables.
struct Program {
  Program() : commands(AllCommands()) { DeclareCommands(app, commands, common); }

  CLI::App& Find(const std::string& command) {
    for (CLI::App* found : app.get_subcommands([](const CLI::App*) { return true; })) {
      if (found->check_name(command)) return *found;
    }
    throw UsageError("colmatch has no command " + command);
  }

  CLI::App app;
  CommonOptions common;
  std::vector<std::unique_ptr<Command>> commands;
};

}  // namespace

std::vector<OptionInfo> DescribeOptions(const std::string& command) {
  if (command == kExtractorOptions || command == kMatcherOptions) {
    CLI::App app;
    SessionOptions options;
    options.AddTo(app);
    auto infos = InfosOf(app);
    const auto foreign = [&](const OptionInfo& info) { return !IsSessionOption(info.name, command); };
    infos.erase(std::remove_if(infos.begin(), infos.end(), foreign), infos.end());
    return infos;
  }
  Program program;
  return InfosOf(program.Find(command));
}

std::string DescribeCommand(const std::string& command) {
  Program program;
  return program.Find(command).get_description();
}

int RunInProcess(const std::vector<std::string>& arguments) {
  Program program;
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    program.app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  Command* command = CommandOf(program.app, program.commands);
  if (command == nullptr) throw UsageError("expected a command of colmatch, found none");
  return RunCommandOf(*command, program.common);
}

}  // namespace colmatch
