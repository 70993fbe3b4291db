// The list of matchers; see matcher_list.h.
#include "matcher/matcher_list.h"

#include <utility>

#include "util/error.h"

namespace colmatch {

// Each in the file of the matcher, NAME_matcher.cc.
MatcherEntry SuperGlueEntry();
MatcherEntry NnEntry();
MatcherEntry NnMutualEntry();
MatcherEntry NnRatioEntry();

const std::vector<MatcherEntry>& Matchers() {
  static const std::vector<MatcherEntry> matchers = {SuperGlueEntry(), NnEntry(), NnMutualEntry(),
                                                     NnRatioEntry()};
  return matchers;
}

std::vector<std::string> MatcherNames() {
  std::vector<std::string> names;
  for (const MatcherEntry& entry : Matchers()) names.emplace_back(entry.name);
  return names;
}

const MatcherEntry& FindMatcher(const std::string& name) {
  const auto names = MatcherNames();
  std::string list;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return Matchers()[i];
    list += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  }
  throw UsageError("--matcher must be " + list + ", found " + name);
}

std::unique_ptr<FeatureMatcher> MakeMatcher(MatcherSetup setup) {
  setup.options.Validate();
  const MatcherEntry& entry = FindMatcher(setup.options.matcher);
  if (entry.needs_superglue && setup.superglue.network.is_empty())
    throw UsageError("--matcher " + setup.options.matcher + " needs SuperGlue weights");
  return entry.make(std::move(setup));
}

}  // namespace colmatch
