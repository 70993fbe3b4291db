// The reference page in Markdown; see completion.h.
#include <algorithm>
#include <sstream>

#include "plugin/options/completion.h"

namespace colmatch {
namespace {

constexpr size_t kWidth = 110;

std::string Wrapped(const std::string& text) {
  std::istringstream words(text);
  std::string wrapped, line;
  for (std::string word; words >> word;) {
    if (!line.empty() && line.size() + 1 + word.size() > kWidth) {
      wrapped += line + '\n';
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return wrapped + line + '\n';
}

// In a cell of a table, outside of code: nothing of it is markup.
std::string Plain(const std::string& text) {
  std::string plain;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '*' || c == '_') plain += '\\';
    plain += c;
  }
  return plain;
}

std::string Code(const std::string& text) { return '`' + text + '`'; }

std::string NamesOf(const OptionEntry& option) {
  std::string text;
  for (const std::string& name : option.names) text += (text.empty() ? "" : "<br>") + Code(name);
  return text;
}

std::string ValuesOf(const OptionEntry& option) {
  if (!option.takes_value) return "(no value)";
  std::string text;
  for (const std::string& choice : option.choices) text += (text.empty() ? "" : ", ") + Code(choice);
  if (!text.empty()) return text;
  return Plain(option.type + (option.bounds.empty() ? "" : " " + option.bounds));
}

std::string DefaultOf(const OptionEntry& option) {
  if (option.required) return "required";
  return option.default_value.empty() ? "" : Code(option.default_value);
}

std::string Table(const std::vector<OptionEntry>& options) {
  std::string text = "| option | values | default | meaning |\n|---|---|---|---|\n";
  for (const OptionEntry& option : options) {
    text += "| " + NamesOf(option) + " | " + ValuesOf(option) + " | " + DefaultOf(option) + " | " +
            Plain(option.help) + " |\n";
  }
  return text;
}

bool Has(const CommandEntry& command, const OptionEntry& option) {
  return std::any_of(command.options.begin(), command.options.end(), [&](const OptionEntry& other) {
    return other.names == option.names && other.help == option.help;
  });
}

// Those that every command has.
std::vector<OptionEntry> CommonOptionsOf(const std::vector<CommandEntry>& commands) {
  std::vector<OptionEntry> common;
  for (const OptionEntry& option : commands.front().options) {
    const auto has = [&](const CommandEntry& command) { return Has(command, option); };
    if (std::all_of(commands.begin(), commands.end(), has)) common.push_back(option);
  }
  return common;
}

// The options of one section of a project file, such as SuperGlue, that several commands have alike.
struct SharedSection {
  std::string name;
  std::vector<OptionEntry> options;
};

// "SuperGlue" of "--SuperGlue.match_threshold"; empty where the name has no section.
std::string SectionOf(const OptionEntry& option) {
  const std::string& name = option.names.front();
  const size_t dot = name.find('.');
  return name.rfind("--", 0) != 0 || dot == std::string::npos ? "" : name.substr(2, dot - 2);
}

std::vector<SharedSection> SharedSectionsOf(const std::vector<CommandEntry>& commands) {
  constexpr int kLeastCommands = 4;
  std::vector<SharedSection> sections;
  for (const CommandEntry& of : commands) {
    for (const OptionEntry& option : of.options) {
      const std::string name = SectionOf(option);
      const auto has = [&](const CommandEntry& command) { return Has(command, option); };
      if (name.empty() || std::count_if(commands.begin(), commands.end(), has) < kLeastCommands) continue;
      auto section = std::find_if(sections.begin(), sections.end(),
                                  [&](const SharedSection& s) { return s.name == name; });
      if (section == sections.end()) section = sections.insert(sections.end(), {name, {}});
      if (!Has({"", "", "", section->options}, option)) section->options.push_back(option);
    }
  }
  return sections;
}

// Whether the command has all options of the section, as they are.
bool HasSection(const CommandEntry& command, const SharedSection& section) {
  return std::all_of(section.options.begin(), section.options.end(),
                     [&](const OptionEntry& option) { return Has(command, option); });
}

void Remove(const std::vector<OptionEntry>& these, std::vector<OptionEntry>& options) {
  const auto is_among = [&](const OptionEntry& option) { return Has({"", "", "", these}, option); };
  options.erase(std::remove_if(options.begin(), options.end(), is_among), options.end());
}

// The footer that DeclareCommands makes, without its heading.
std::string ExamplesOf(const CommandEntry& command) {
  const auto begin = command.footer.find('\n');
  if (begin == std::string::npos) return "";
  std::istringstream lines(command.footer.substr(begin + 1));
  std::string text;
  for (std::string line; std::getline(lines, line);)
    text += (line.rfind("  ", 0) == 0 ? line.substr(2) : line) + '\n';
  return "\n```sh\n" + text + "```\n";
}

std::string CommandText(const CommandEntry& command, const std::vector<OptionEntry>& common,
                        const std::vector<SharedSection>& sections) {
  std::string text =
      "\n## `" + command.name + "`\n\n" + Wrapped(Plain(command.help) + ".") + ExamplesOf(command);
  std::vector<OptionEntry> own = command.options;
  Remove(common, own);
  std::string shared;
  for (const SharedSection& section : sections) {
    if (!HasSection(command, section)) continue;
    Remove(section.options, own);
    shared += (shared.empty() ? "" : ", ") + Code(section.name + ".*");
  }
  if (!own.empty()) text += '\n' + Table(own);
  if (!shared.empty())
    text += '\n' + Wrapped("And, from [above](#options-of-several-commands): " + shared + ".");
  return text;
}

}  // namespace

std::string ReferencePage(const std::vector<CommandEntry>& commands) {
  const std::vector<OptionEntry> common = CommonOptionsOf(commands);
  const std::vector<SharedSection> sections = SharedSectionsOf(commands);
  std::string text =
      "# Commands and options\n\n"
      "<!-- Generated: colmatch completion reference > docs/reference/commands.md -->\n\n" +
      Wrapped(
          "Options are given on the command line, or in a project file (`--project_path FILE`) as `KEY = "
          "VALUE` "
          "lines; `SuperPoint.nms_radius` is the key `nms_radius` of the section `[SuperPoint]`. COLMAP's "
          "options that have another name here, or no effect, are in "
          "[colmap_options.md](../colmap_options.md).") +
      "\n## Options of every command\n\n" + Table(common) + "\n## Options of several commands\n";
  for (const SharedSection& section : sections)
    text += "\n### `" + section.name + ".*`\n\n" + Table(section.options);
  for (const CommandEntry& command : commands) text += CommandText(command, common, sections);
  return text;
}

}  // namespace colmatch
