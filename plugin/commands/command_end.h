// What the database commands say at their end, and the exit status.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "plugin/matching/matching_job.h"

namespace colmatch {

// Says that a signal stopped the command and what that means; the exit status, 130 or 143.
int StoppedStatus(const std::string& what = "everything up to here is stored, the same command goes on");

// Names what was skipped, and tells the host (host.h), where there is one.
void TellSkipped(const std::vector<SkippedInput>& skipped);

// Tells the host the results of a command; nothing where there is none.
void TellHost(const std::vector<std::pair<const char*, int64_t>>& counts);

// TellSkipped. 0; 2 if anything was; 130 or 143 if a signal stopped it.
int Finish(const std::vector<SkippedInput>& skipped, bool stopped);

// The same with one line that sums up the pairs.
int FinishMatching(const MatchingPipelineStats& stats);

}  // namespace colmatch
