// What commands say at their end, and the exit status that follows.
#pragma once

#include <vector>

#include "plugin/matching_pipeline.h"

namespace colmatch {

// Names what was skipped and says where a signal stopped the work. Returns the exit status.
int FinishCommand(const std::vector<SkippedInput>& skipped, bool stopped);

// The same of a matching command, after its numbers.
int FinishMatching(const MatchingPipelineStats& stats);

}  // namespace colmatch
