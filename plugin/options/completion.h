// Shell completion, manual pages and the reference page, made from the program's own table of commands and
// options.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace colmatch {

// What of an option can be completed and told.
struct OptionEntry {
  std::vector<std::string> names;  // with their dashes; a positional's name as it is
  std::string help, default_value;
  std::vector<std::string> choices;  // where only these are taken
  std::string type;                  // integer, number, text, "0 or 1"; empty for a flag
  std::string bounds;                // "in [1, 4096]"; empty: any value
  bool takes_value = true, required = false, positional = false;
};

struct CommandEntry {
  std::string name, help, footer;
  std::vector<OptionEntry> options;
};

// The commands and options of a program that --help shows.
std::vector<CommandEntry> TableOf(const CLI::App& app);

std::string BashCompletion(const std::vector<CommandEntry>& commands);
std::string ZshCompletion(const std::vector<CommandEntry>& commands);

// The page docs/reference/commands.md: every command with its options, in Markdown.
std::string ReferencePage(const std::vector<CommandEntry>& commands);

// In roff: colmatch(1), and a page of each command, colmatch-NAME(1).
std::string ManualPage(const std::vector<CommandEntry>& commands, const std::string& description);
std::string CommandManualPage(const CommandEntry& command);

}  // namespace colmatch
