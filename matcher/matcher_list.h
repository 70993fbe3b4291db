// The list of matchers, and the factory that makes one by its name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "matcher/device_fallback.h"
#include "matcher/feature_matcher.h"
#include "matcher/matcher_options.h"
#include "network/weights.h"

namespace colmatch {

// What a matcher is made of.
struct MatcherSetup {
  LoadedSuperGlue superglue;  // may be empty (network.is_empty()) where the matcher needs none
  MatcherOptions options;
  torch::Device device = torch::kCPU;
  MemoryShortageHandler on_memory_shortage;  // may be empty
  // Where pairs skipped by the prefilter are counted, of all matchers that are given the same; may be empty.
  std::shared_ptr<PrefilterCounts> prefilter_counts;
};

struct MatcherEntry {
  const char* name;         // of --matcher
  const char* description;  // for --help
  bool needs_superglue;     // reads weights and has a precision
  std::unique_ptr<FeatureMatcher> (*make)(MatcherSetup setup);
  // The options that decide its matches, as ` NAME VALUE`..., for the notes in a database; superglue's depend
  // on its weights and are plugin/matching's. May be nullptr.
  std::string (*provenance)(const MatcherOptions& options);
};

// All matchers, the default first.
const std::vector<MatcherEntry>& Matchers();
std::vector<std::string> MatcherNames();

// Throws UsageError that lists the names.
const MatcherEntry& FindMatcher(const std::string& name);

// The matcher of options.matcher. Throws UsageError for bad options, for weights that are missing, and for a
// precision that the device does not compute in.
std::unique_ptr<FeatureMatcher> MakeMatcher(MatcherSetup setup);

}  // namespace colmatch
