// What was done when: spans of the stages of a pipeline, as Chrome's trace events (chrome://tracing,
// ui.perfetto.dev). One trace a process; costs nothing until it is begun. Thread-safe.
#pragma once

#include <cstdint>
#include <string>

namespace colmatch {

// From now on spans are kept, 24 bytes each.
void BeginTrace();

// Those kept so far: a row for each stage and, where several threads were in it at once, for each of them.
// Throws EnvironmentError if the file cannot be written.
void WriteTrace(const std::string& path);

// How long the stages were busy beside the time since BeginTrace, "match 92 % (1 at once), verify ...": all
// spans of a stage together, and the most of them at one time.
std::string TraceSummary();

// Its lifetime is a span of this stage. `stage` must be a literal.
class TraceSpan {
 public:
  explicit TraceSpan(const char* stage);
  ~TraceSpan();
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;

 private:
  const char* stage_;  // null: not kept
  int lane_ = 0;
  int64_t begin_us_ = 0;
};

// What work() returns; while it runs is a span of this stage.
template <typename Work>
auto Traced(const char* stage, const Work& work) {
  const TraceSpan span(stage);
  return work();
}

}  // namespace colmatch
