// Options taken along; see given_options.h.
#include "plugin/cluster/given_options.h"

#include <filesystem>

#include "plugin/matching/matching_options.h"
#include "util/error.h"

namespace colmatch {
namespace {

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// The options of `app` that `known` has too.
std::vector<std::string> Given(const CLI::App& app, const CLI::App& known) {
  std::vector<std::string> given;
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0 || option->get_lnames().empty()) continue;
    const std::string name = "--" + option->get_lnames().front();
    if (name == "--help" || known.get_option_no_throw(name) == nullptr) continue;
    for (std::string value : option->results()) {
      if (EndsWith(name, "_path") && !value.empty()) value = std::filesystem::absolute(value).string();
      given.push_back(name);
      given.push_back(value);
    }
  }
  return given;
}

void Parse(CLI::App& app, const std::vector<std::string>& given) {
  std::vector<std::string> reversed(given.rbegin(), given.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string("the plan's options are not those of this version: ") + error.what());
  }
}

}  // namespace

std::vector<std::string> GivenExtractionOptions(const CLI::App& app) {
  CLI::App known;
  ExtractionCommandOptions options;
  options.AddTo(known, false);
  return Given(app, known);
}

std::vector<std::string> GivenMatchingOptions(const CLI::App& app) {
  CLI::App known;
  MatchingCommandOptions options;
  options.AddTo(known, false, true);
  return Given(app, known);
}

FeaturePipelineOptions ExtractionOptionsOf(const std::vector<std::string>& given) {
  CLI::App app;
  ExtractionCommandOptions options;
  options.AddTo(app, false);
  Parse(app, given);
  return options.Resolve();
}

MatchingPipelineOptions MatchingOptionsOf(const std::vector<std::string>& given) {
  CLI::App app;
  MatchingCommandOptions options;
  options.AddTo(app, false, true);
  Parse(app, given);
  return options.Resolve();
}

}  // namespace colmatch
