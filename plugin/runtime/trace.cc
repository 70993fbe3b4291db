// Spans of stages; see trace.h.
#include "plugin/runtime/trace.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

#include "util/atomic_file.h"

namespace colmatch {
namespace {

using Clock = std::chrono::steady_clock;

struct Span {
  int64_t begin_us, length_us;
  int lane;
};

// Threads come and go with each pair: who is in a stage takes its first free lane.
struct Stage {
  std::vector<Span> spans;
  std::vector<bool> taken;

  int TakeLane() {
    const auto free = std::find(taken.begin(), taken.end(), false);
    const auto lane = free - taken.begin();
    if (free == taken.end()) taken.push_back(true);
    taken[static_cast<size_t>(lane)] = true;
    return static_cast<int>(lane);
  }
};

struct Trace {
  std::atomic<bool> begun{false};
  std::mutex mutex;
  Clock::time_point start;
  std::map<std::string, Stage> stages;
};

Trace& TheTrace() {
  static Trace trace;
  return trace;
}

int64_t MicrosecondsSince(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
}

}  // namespace

void BeginTrace() {
  Trace& trace = TheTrace();
  const std::lock_guard lock(trace.mutex);
  trace.start = Clock::now();
  trace.stages.clear();
  trace.begun = true;
}

TraceSpan::TraceSpan(const char* stage) : stage_(TheTrace().begun ? stage : nullptr) {
  if (stage_ == nullptr) return;
  Trace& trace = TheTrace();
  const std::lock_guard lock(trace.mutex);
  lane_ = trace.stages[stage_].TakeLane();
  begin_us_ = MicrosecondsSince(trace.start);
}

TraceSpan::~TraceSpan() {
  if (stage_ == nullptr) return;
  Trace& trace = TheTrace();
  const std::lock_guard lock(trace.mutex);
  Stage& stage = trace.stages[stage_];
  stage.spans.push_back({begin_us_, MicrosecondsSince(trace.start) - begin_us_, lane_});
  stage.taken[static_cast<size_t>(lane_)] = false;
}

std::string TraceSummary() {
  Trace& trace = TheTrace();
  const std::lock_guard lock(trace.mutex);
  const auto wall_us = static_cast<double>(MicrosecondsSince(trace.start));
  std::string text;
  for (const auto& [name, stage] : trace.stages) {
    int64_t busy_us = 0;
    for (const Span& span : stage.spans) busy_us += span.length_us;
    text += (text.empty() ? "" : ", ") + name + " " +
            std::to_string(std::lround(100 * static_cast<double>(busy_us) / wall_us)) + " % (" +
            std::to_string(stage.taken.size()) + " at once)";
  }
  return text;
}

void WriteTrace(const std::string& path) {
  Trace& trace = TheTrace();
  const std::lock_guard lock(trace.mutex);
  auto events = nlohmann::ordered_json::array();
  int row = 0;
  for (const auto& [name, stage] : trace.stages) {
    for (size_t lane = 0; lane < stage.taken.size(); ++lane) {
      events.push_back({{"name", "thread_name"},
                        {"ph", "M"},
                        {"pid", 1},
                        {"tid", row + static_cast<int>(lane)},
                        {"args", {{"name", name + " " + std::to_string(lane + 1)}}}});
    }
    for (const Span& span : stage.spans) {
      events.push_back({{"name", name},
                        {"ph", "X"},
                        {"pid", 1},
                        {"tid", row + span.lane},
                        {"ts", span.begin_us},
                        {"dur", span.length_us}});
    }
    row += static_cast<int>(stage.taken.size());
  }
  WriteFileAtomically(path, nlohmann::ordered_json{{"traceEvents", events}}.dump() + "\n");
}

}  // namespace colmatch
