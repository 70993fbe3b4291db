// Ends of commands; see command_end.h.
#include "plugin/command_end.h"

#include "plugin/log.h"
#include "plugin/stop_signal.h"

namespace colmatch {

int StoppedStatus(const std::string& what) {
  LogWarning("stopped by a signal; " + what);
  return StopStatus();
}

int Finish(const std::vector<SkippedInput>& skipped, bool stopped) {
  for (const SkippedInput& input : skipped) LogWarning("skipped " + input.name + ": " + input.reason);
  if (stopped) return StoppedStatus();
  return skipped.empty() ? 0 : 2;
}

int FinishMatching(const MatchingPipelineStats& stats) {
  LogInfo(std::to_string(stats.matched) + " pairs, " + std::to_string(stats.verified) + " verified with " +
          std::to_string(stats.num_inliers) + " inliers of " + std::to_string(stats.num_matches) +
          " matches; " + std::to_string(stats.already_there) + " pairs were there already");
  return Finish(stats.skipped, stats.stopped);
}

}  // namespace colmatch
