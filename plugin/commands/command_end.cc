// Ends of commands; see command_end.h.
#include "plugin/commands/command_end.h"

#include "plugin/runtime/host.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/stop_signal.h"

namespace colmatch {

int StoppedStatus(const std::string& what) {
  LogWarning("stopped by a signal; " + what);
  return StopStatus();
}

void TellSkipped(const std::vector<SkippedInput>& skipped) {
  for (const SkippedInput& input : skipped) {
    LogWarning("skipped " + input.name + ": " + input.reason);
    if (Host* host = CurrentHost()) host->OnSkipped(input.name, input.reason);
  }
}

void TellHost(const std::vector<std::pair<const char*, int64_t>>& counts) {
  Host* host = CurrentHost();
  if (host == nullptr) return;
  for (const auto& [name, value] : counts) host->OnCount(name, value);
}

int Finish(const std::vector<SkippedInput>& skipped, bool stopped) {
  TellSkipped(skipped);
  if (stopped) return StoppedStatus();
  return skipped.empty() ? 0 : 2;
}

int FinishMatching(const MatchingPipelineStats& stats) {
  LogInfo(std::to_string(stats.matched) + " pairs, " + std::to_string(stats.verified) + " verified with " +
          std::to_string(stats.num_inliers) + " inliers of " + std::to_string(stats.num_matches) +
          " matches; " + std::to_string(stats.already_there) + " pairs were there already");
  TellHost({{"matched", stats.matched},
            {"already_there", stats.already_there},
            {"verified", stats.verified},
            {"num_matches", stats.num_matches},
            {"num_inliers", stats.num_inliers}});
  return Finish(stats.skipped, stats.stopped);
}

}  // namespace colmatch
