// Spans of stages as Chrome's trace events.
#include "plugin/runtime/trace.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

nlohmann::json EventsOf(const TemporaryFolder& folder) {
  WriteTrace(folder.File("trace.json"));
  return nlohmann::json::parse(std::ifstream(folder.File("trace.json"))).at("traceEvents");
}

std::vector<nlohmann::json> Spans(const nlohmann::json& events, const std::string& stage) {
  std::vector<nlohmann::json> spans;
  for (const auto& event : events) {
    if (event.at("ph") == "X" && event.at("name") == stage) spans.push_back(event);
  }
  return spans;
}

void Sleep() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

TEST(Trace, ASpanIsKeptWithItsBeginAndLength) {
  const TemporaryFolder folder;
  BeginTrace();
  {
    const TraceSpan span("match");
    Sleep();
  }
  { const TraceSpan span("match"); }
  const auto spans = Spans(EventsOf(folder), "match");
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_GE(spans[0].at("dur"), 20000);
  EXPECT_GE(spans[1].at("ts").get<int64_t>(), spans[0].at("ts").get<int64_t>() + 20000);
  EXPECT_EQ(spans[0].at("tid"), spans[1].at("tid")) << "one after the other, in one row";
}

TEST(Trace, SpansAtTheSameTimeHaveRowsOfTheirOwn) {
  const TemporaryFolder folder;
  BeginTrace();
  {
    const TraceSpan span("verify");
    std::async(std::launch::async, [] { const TraceSpan other("verify"); }).get();
    const TraceSpan write("write");
  }
  const auto events = EventsOf(folder);
  const auto spans = Spans(events, "verify");
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_NE(spans[0].at("tid"), spans[1].at("tid"));
  EXPECT_NE(Spans(events, "write")[0].at("tid"), spans[0].at("tid"));
  int names = 0;
  for (const auto& event : events) names += event.at("ph") == "M";
  EXPECT_EQ(names, 3);
  EXPECT_NE(TraceSummary().find("(2 at once)"), std::string::npos) << TraceSummary();
}

TEST(Trace, BegunAnewItForgetsWhatWasThere) {
  const TemporaryFolder folder;
  BeginTrace();
  { const TraceSpan span("match"); }
  BeginTrace();
  EXPECT_TRUE(EventsOf(folder).empty());
  EXPECT_EQ(TraceSummary(), "");
}

}  // namespace
}  // namespace colmatch
