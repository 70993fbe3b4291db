// The options of a command line, taken along to other machines: as text, so that a new option of a command
// goes with the others.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "plugin/extraction/feature_options.h"
#include "plugin/matching/matching_job.h"

namespace colmatch {

// What `app` was given of the options of feature_extractor, or of a matcher, as "--name", "value", ...
// Paths (options that end in _path) are made absolute.
std::vector<std::string> GivenExtractionOptions(const CLI::App& app);
std::vector<std::string> GivenMatchingOptions(const CLI::App& app);

// Those and the defaults of the others. Throws UsageError for options that this version does not know.
FeaturePipelineOptions ExtractionOptionsOf(const std::vector<std::string>& given);
MatchingPipelineOptions MatchingOptionsOf(const std::vector<std::string>& given);

}  // namespace colmatch
