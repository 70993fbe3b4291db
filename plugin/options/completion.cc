// The program's table, and completion made from it; see completion.h. The manual pages are in
// manual_page.cc, the reference page is in reference_page.cc.
#include "plugin/options/completion.h"

#include <sstream>

#include "plugin/runtime/command.h"

namespace colmatch {
namespace {

// CLI11 tells allowed values in the type's name: "TEXT:{auto,on,off}".
std::vector<std::string> ChoicesOf(const std::string& type) {
  const auto begin = type.find('{'), end = type.find('}');
  std::vector<std::string> choices;
  if (begin == std::string::npos || end == std::string::npos || end < begin) return choices;
  std::istringstream list(type.substr(begin + 1, end - begin - 1));
  for (std::string choice; std::getline(list, choice, ',');) choices.push_back(choice);
  return choices;
}

// CLI11's name of a type: "INT", or with what is checked, "INT:INT in [1 - 8]" and "INT:in [1, 8]".
std::string TypeOf(const std::string& type) {
  const std::string name = type.substr(0, type.find(':'));
  if (name == "INT" || name == "UINT") return "integer";
  if (name == "FLOAT") return "number";
  if (name == "BOOLEAN") return "0 or 1";
  return name.empty() ? "" : "text";
}

std::string BoundsOf(const std::string& type) {
  const auto colon = type.find(':'), in = type.find("in [");
  if (colon == std::string::npos || type.find('{') != std::string::npos) return "";
  if (in == std::string::npos || type.find(" - ") == std::string::npos) return type.substr(colon + 1);
  std::string text = type.substr(in);
  return text.replace(text.find(" - "), 3, ", ");
}

OptionEntry EntryOf(const CLI::Option& option) {
  OptionEntry entry;
  entry.positional = option.get_positional();
  if (entry.positional) entry.names.push_back(option.get_name(true));
  for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  entry.help = option.get_description();
  entry.default_value = option.get_default_str();
  entry.choices = ChoicesOf(option.get_type_name());
  entry.type = TypeOf(option.get_type_name());
  entry.bounds = BoundsOf(option.get_type_name());
  entry.takes_value = option.get_items_expected_max() > 0;
  entry.required = option.get_required();
  return entry;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// One spelling an option: the others are there for old scripts.
std::string LongName(const OptionEntry& option) {
  for (const std::string& name : option.names) {
    if (name.rfind("--", 0) == 0) return name;
  }
  return option.names[0];
}

std::vector<std::string> NamesOf(const std::vector<CommandEntry>& commands) {
  std::vector<std::string> names;
  for (const CommandEntry& command : commands) names.push_back(command.name);
  return names;
}

std::string SingleQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string BashCase(const CommandEntry& command) {
  std::vector<std::string> names;
  std::string values, first;
  for (const OptionEntry& option : command.options) {
    if (option.positional) {
      if (first.empty()) first = Joined(option.choices);
      continue;
    }
    names.push_back(LongName(option));
    if (option.choices.empty()) continue;
    std::string spellings;
    for (const std::string& name : option.names) spellings += (spellings.empty() ? "" : "|") + name;
    values += "        " + spellings + ") choices=" + SingleQuoted(Joined(option.choices)) + " ;;\n";
  }
  std::string text = "    " + command.name + ")\n      options=" + SingleQuoted(Joined(names)) + "\n";
  if (!first.empty()) text += "      [ \"$COMP_CWORD\" = 2 ] && choices=" + SingleQuoted(first) + "\n";
  if (!values.empty()) text += "      case \"$previous\" in\n" + values + "      esac\n";
  return text + "      ;;\n";
}

// Of _arguments: brackets end the explanation, colons the parts.
std::string ZshText(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string ZshValue(const OptionEntry& option) {
  return option.choices.empty() ? ":value:_files" : ":value:(" + Joined(option.choices) + ")";
}

std::string ZshCase(const CommandEntry& command) {
  std::string text = "    " + command.name + ")\n      _arguments";
  int position = 0;
  for (const OptionEntry& option : command.options) {
    const std::string entry = option.positional ? std::to_string(++position) + ZshValue(option)
                                                : LongName(option) + "[" + ZshText(option.help) + "]" +
                                                      (option.takes_value ? ZshValue(option) : "");
    text += " \\\n        " + SingleQuoted(entry);
  }
  return text + " \\\n        '*:file:_files' ;;\n";
}

}  // namespace

std::vector<CommandEntry> TableOf(const CLI::App& app) {
  std::vector<CommandEntry> commands;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (sub->get_group().empty()) continue;  // hidden
    CommandEntry command{sub->get_name(), sub->get_description(), sub->get_footer(), {}};
    for (const CLI::Option* option : sub->get_options()) {
      const std::string& group = option->get_group();
      if (!group.empty() && group != kColmapGroup) command.options.push_back(EntryOf(*option));
    }
    commands.push_back(std::move(command));
  }
  return commands;
}

std::string BashCompletion(const std::vector<CommandEntry>& commands) {
  std::string text =
      "# bash completion of colmatch; made by `colmatch completion bash`.\n"
      "_colmatch() {\n"
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" options='' "
      "choices=''\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
      "    COMPREPLY=($(compgen -W " +
      SingleQuoted(Joined(NamesOf(commands)) + " --help --version") +
      " -- \"$word\"))\n    return\n  fi\n  case \"${COMP_WORDS[1]}\" in\n";
  for (const CommandEntry& command : commands) text += BashCase(command);
  return text +
         "  esac\n"
         "  if [ -n \"$choices\" ]; then\n"
         "    COMPREPLY=($(compgen -W \"$choices\" -- \"$word\"))\n"
         "  elif [ \"${word:0:1}\" = - ]; then\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -o default -F _colmatch colmatch\n";
}

std::string ZshCompletion(const std::vector<CommandEntry>& commands) {
  std::string text =
      "#compdef colmatch\n# zsh completion of colmatch; made by `colmatch completion zsh`.\n"
      "_colmatch() {\n  local -a commands\n  commands=(\n";
  for (const CommandEntry& command : commands)
    text += "    " + SingleQuoted(command.name + ":" + command.help) + "\n";
  text +=
      "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
      "  shift words\n  (( CURRENT-- ))\n  case \"$words[1]\" in\n";
  for (const CommandEntry& command : commands) text += ZshCase(command);
  return text + "  esac\n}\n_colmatch \"$@\"\n";
}

}  // namespace colmatch
