// Running a command; see program.h.
#include "plugin/commands/program.h"

#include <malloc.h>

#include <algorithm>

#include "matcher/devices.h"
#include "plugin/commands/command_list.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/trace.h"
#include "plugin/workers/single_threaded_math.h"
#include "util/error.h"

namespace colmatch {
namespace {

// COLMAP's way to say the device. --device says more and wins, unless the two contradict each other.
void ApplyGpuOptions(CommonOptions& common) {
  if (!common.use_gpu) {
    if (common.device.rfind("cuda", 0) == 0)
      throw UsageError("--device " + common.device + " and use_gpu 0 contradict each other");
    common.device = "cpu";
  }
  const std::string name = DeviceNameFromGpuIndex(common.gpu_index);
  if (common.device == "auto" && NumGpus() > 0) common.device = name;
}

int RunTraced(Command& command, const CommonOptions& common) {
  if (common.trace_path.empty()) return command.Run(common);
  BeginTrace();
  const int status = command.Run(common);
  LogInfo("busy: " + TraceSummary());
  WriteTrace(common.trace_path);
  return status;
}

}  // namespace

// The networks' temporaries are tens of megabytes, again and again of the same sizes: by default glibc takes
// each from the system and gives it back, and a third of the time goes into fresh pages.
void KeepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest it accepts
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
}

void UseThreads(int threads) {
  SetMathThreads(threads);
  LimitImageThreads(1);  // photos are decoded side by side, each by one thread
}

void ResolveCommonOptions(CommonOptions& common) {
  CommonOptions::kNumThreads.Require(common.num_threads);
  ApplyGpuOptions(common);
}

void RequireKnownPrecision(const std::string& precision, std::vector<std::string> known,
                           const std::string& name) {
  known.insert(known.begin(), {"auto", "fp32"});
  if (std::find(known.begin(), known.end(), precision) != known.end()) return;
  throw UsageError("--precision " + precision + ": " + name + " does not compute so; expected one of " +
                   CLI::detail::join(known, ", "));
}

Command* CommandOf(const CLI::App& app, const std::vector<std::unique_ptr<Command>>& commands) {
  for (const auto& command : commands) {
    if (app.got_subcommand(command->name())) return command.get();
  }
  return nullptr;
}

int RunCommandOf(Command& command, CommonOptions& common) {
  ResolveCommonOptions(common);
  UseThreads(NumWorkers(common));
  SetLogLevel(common.log_level);
  RequireKnownPrecision(common.precision, command.precisions(), command.name());
  return RunTraced(command, common);
}

}  // namespace colmatch
