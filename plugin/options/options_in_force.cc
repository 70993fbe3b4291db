// Options as a table; see options_in_force.h.
#include "plugin/options/options_in_force.h"

#include "plugin/runtime/command.h"

namespace colmatch {
namespace {

std::string Quoted(const std::string& word) {
  constexpr char kPlain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string ValueOf(const CLI::Option& option) {
  if (option.count() == 0) return option.get_default_str();
  if (option.get_items_expected_max() <= 1) return option.reduced_results().back();
  std::string text;
  for (const std::string& value : option.results()) text += (text.empty() ? "" : ",") + value;
  return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> OptionsInForce(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> options;
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_single_name();
    if (option->get_group().empty() || name == "help") continue;
    if (option->get_group() == kColmapGroup && option->count() == 0) continue;
    options.emplace_back(name, ValueOf(*option));
  }
  return options;
}

std::string CommandLineText(int argc, char** argv) {
  std::string text;
  for (int i = 0; i < argc; ++i) text += (i == 0 ? "" : " ") + Quoted(argv[i]);
  return text;
}

}  // namespace colmatch
