// batch_reconstructor: collections found, finished ones left alone, failed ones explained.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <map>
#include <opencv2/imgcodecs.hpp>

#include "plugin/reconstruction/batch_collections.h"
#include "plugin/reconstruction/batch_report.h"
#include "plugin/runtime/handover.h"
#include "plugin/runtime/stop_signal.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> NamesOf(const std::vector<Collection>& collections) {
  std::vector<std::string> names;
  for (const Collection& c : collections) names.push_back(c.name);
  return names;
}

TEST(FindCollections, EverySubFolderIsOneByItsNameButHiddenOnesAndTheWorkspace) {
  TemporaryFolder folder;
  for (const char* name : {"zoo", "abbey/images", "abbey/gt", ".git", "out"})
    fs::create_directories(folder.path() / name);
  folder.Write("notes.txt", std::string("no folder"));
  const auto found = FindCollections(folder.path(), folder.path() / "out");
  EXPECT_THAT(NamesOf(found), ElementsAre("abbey", "zoo"));
  EXPECT_EQ(found[0].images, folder.path() / "abbey/images");
  EXPECT_EQ(found[0].truth, folder.path() / "abbey/gt");
  EXPECT_EQ(found[1].images, folder.path() / "zoo");
  EXPECT_TRUE(found[1].truth.empty());
}

TEST(FindCollections, AMissingOrEmptyFolderAndAWorkspaceInsideOfACollectionAreUsageErrors) {
  TemporaryFolder folder;
  EXPECT_THROW(FindCollections(folder.path() / "missing", folder.path() / "out"), UsageError);
  EXPECT_THROW(FindCollections(folder.path(), folder.path() / "out"), UsageError);
  fs::create_directories(folder.path() / "abbey");
  EXPECT_THROW(FindCollections(folder.path(), folder.path() / "abbey/out"), UsageError);
}

CollectionRecord Finished() {
  CollectionRecord record;
  record.state = CollectionState::kDone;
  record.inputs = {
      "nms_radius=4\n", {{"a.jpg", "1 1"}, {"caf\xE9 \"x\".jpg", "2 2"}}, {{"cameras.txt", "3 3"}}};
  record.num_images = 2;
  record.num_models = 1;
  record.num_points = 12345678901;
  record.reprojection_error_px = 0.625;
  record.skipped = {{"b\xFF.jpg", "<truncated>"}};
  record.advice = {"Take more photos."};
  return record;
}

TEST(CollectionRecord, IsReadAsItWasWrittenWhateverBytesNamesHold) {
  TemporaryFolder folder;
  const CollectionRecord written = Finished();
  WriteRecord(written, folder.path() / "new");
  const CollectionRecord read = ReadRecord(folder.path() / "new");
  EXPECT_EQ(read.state, CollectionState::kDone);
  EXPECT_EQ(read.inputs.options, written.inputs.options);
  EXPECT_EQ(read.inputs.photos, written.inputs.photos);
  EXPECT_EQ(read.inputs.truth, written.inputs.truth);
  EXPECT_EQ(read.num_points, written.num_points);
  EXPECT_EQ(read.reprojection_error_px, written.reprojection_error_px);
  EXPECT_EQ(read.skipped[0].name, written.skipped[0].name);
  EXPECT_EQ(read.advice, written.advice);
}

TEST(CollectionRecord, AnythingElseInItsPlaceMeansThatItHasToBeDone) {
  TemporaryFolder folder;
  for (const char* text : {"", "[]", "{\"format_version\":1}", "{\"format_version\":2}", "\x01\xFF"}) {
    folder.Write("collection.json", std::string(text));
    EXPECT_EQ(ReadRecord(folder.path()).state, CollectionState::kPending) << text;
  }
  EXPECT_EQ(ReadRecord(folder.path() / "missing").state, CollectionState::kPending);
}

TEST(Decide, OnlyWhatIsFinishedAndUnchangedIsLeftAlone) {
  const CollectionRecord finished = Finished();
  CollectionRecord started = finished, failed = finished;
  started.state = CollectionState::kStarted;
  failed.state = CollectionState::kFailed;
  EXPECT_EQ(Decide(finished, finished.inputs), NextStep::kNothing);
  EXPECT_EQ(Decide(started, finished.inputs), NextStep::kGoOn);
  EXPECT_EQ(Decide(failed, finished.inputs), NextStep::kGoOn);
  EXPECT_EQ(Decide({}, finished.inputs), NextStep::kGoOn);
}

TEST(Decide, NewPhotosAreAddedButOtherOptionsAndChangedPhotosNeedANewDatabase) {
  const CollectionRecord finished = Finished();
  CollectionInputs more = finished.inputs, fewer = more, changed = more, options = more, truth = more;
  more.photos["c.jpg"] = "4 4";
  fewer.photos.erase("a.jpg");
  changed.photos["a.jpg"] = "1 2";
  options.options = "nms_radius=8\n";
  truth.truth.clear();
  EXPECT_EQ(Decide(finished, more), NextStep::kGoOn);
  EXPECT_EQ(Decide(finished, truth), NextStep::kGoOn);
  EXPECT_EQ(Decide(finished, fewer), NextStep::kStartNew);
  EXPECT_EQ(Decide(finished, changed), NextStep::kStartNew);
  EXPECT_EQ(Decide(finished, options), NextStep::kStartNew);
}

TEST(MoveAside, NeverOverwrites) {
  TemporaryFolder folder;
  for (const char* expected : {"abbey.old1", "abbey.old2"}) {
    folder.Write("abbey/database.db", std::string("mine"));
    EXPECT_EQ(MoveAside(folder.path() / "abbey").filename(), expected);
    EXPECT_TRUE(fs::exists(folder.path() / expected / "database.db"));
  }
}

TEST(BatchReport, EveryTextIsEscapedAndLinksCannotBecomeSchemes) {
  const std::string evil = "javascript:<script>alert('x')</script>\"&";
  BatchSummary summary{evil, evil, evil, {}};
  CollectionRecord record = Finished();
  record.skipped = {{evil, evil}};
  summary.entries.push_back({evil, record, {}});
  record.num_models = 0;
  record.reason = evil;
  record.advice = {evil};
  ReportData graph;
  graph.images.resize(2);
  graph.images[0].name = graph.images[1].name = evil;
  graph.pairs = {{0, 1, 30, 20, evil}};
  summary.entries.push_back({evil, record, graph});
  const std::string html = BatchHtml(summary);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("'x'")));
  EXPECT_THAT(html, Not(HasSubstr("href=\"javascript")));
  EXPECT_THAT(html, HasSubstr("href=\"./javascript%3A%3Cscript%3E"));
}

TEST(BatchReport, CollectionsWithoutAModelHaveTheirReasonGraphAndAdvice) {
  BatchSummary summary;
  CollectionRecord record = Finished();
  record.num_models = 0;
  record.reason = "No good initial pair.";
  ReportData graph;
  graph.images.resize(2);
  graph.pairs = {{0, 1, 30, 20, ""}};
  summary.entries = {{"good", Finished(), {}}, {"hopeless", record, graph}, {"waiting", {}, {}}};
  const std::string html = BatchHtml(summary);
  EXPECT_THAT(html, HasSubstr("<b>1 of 3</b>"));
  EXPECT_THAT(html.substr(html.find("Without a model")), HasSubstr("No good initial pair."));
  EXPECT_THAT(html.substr(html.find("Without a model")), HasSubstr("class=\"edge\""));
  EXPECT_THAT(html, HasSubstr("<li>Take more photos.</li>"));
  EXPECT_THAT(html, HasSubstr("not yet begun"));
  const auto json = BatchJson(summary);
  EXPECT_EQ(json["num_failed"], 1);
  EXPECT_EQ(json["num_finished"], 2);
  EXPECT_EQ(json["collections"][2]["state"], "pending");
}

TEST(RunProgram, AStopThatWasAskedOfUsIsPassedOnToTheProgramWaitedFor) {
  EXPECT_EXIT(
      {
        InstallSignalHandlers();
        raise(SIGTERM);
        _exit(RunProgram({"sleep", "60"}, "") == 128 + SIGTERM ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

// One collection of the demo scene, one of noise, one without a photo, with the small weights.
class BatchReconstructor : public testing::Test {
 protected:
  void SetUp() override {
    if (!IsOnPath("colmap")) GTEST_SKIP() << "colmap is not on PATH";
    fs::create_directories(collections_ / "courtyard");
    fs::copy(TestPhotos(), collections_ / "courtyard/images");
  }
  void AddHopeless() {
    fs::create_directories(collections_ / "empty");
    fs::create_directories(collections_ / "noise");
    cv::Mat picture(150, 200, CV_8U, cv::Scalar(128));
    cv::imwrite(collections_ / "noise/0.png", picture);
    cv::theRNG().state = 1;
    cv::randu(picture, 0, 255);
    cv::imwrite(collections_ / "noise/1.png", picture);
  }
  ProgramResult Run(int term_after_ms = -1, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"batch_reconstructor",
                                          "--workspace_path",
                                          out_,
                                          "--collections_path",
                                          collections_,
                                          "--weights",
                                          "fast",
                                          "--num_threads",
                                          "1",
                                          "--progress",
                                          "off",
                                          "--SuperPoint.max_num_features",
                                          "300",
                                          "--rotated_matching",
                                          "never"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunColmatch(arguments, term_after_ms);
  }
  nlohmann::json Summary() const {
    std::ifstream file(out_ / "summary.json");
    return nlohmann::json::parse(file);
  }

  TemporaryFolder folder_;
  const fs::path collections_ = folder_.path() / "collections", out_ = folder_.path() / "out";
};

TEST_F(BatchReconstructor, AFailedCollectionDoesNotStopTheRestAndAFinishedOneIsNotDoneAgain) {
  AddHopeless();
  const ProgramResult first = Run();
  EXPECT_EQ(first.status, 2) << first.output;
  EXPECT_THAT(first.output, HasSubstr("reconstructed 1 of 3 collections"));
  const auto summary = Summary();
  const auto& courtyard = summary["collections"][0];
  EXPECT_EQ(courtyard["num_registered"], 4) << first.output;
  EXPECT_EQ(courtyard["num_models"], 1);
  EXPECT_GT(courtyard["num_points"], 50);
  EXPECT_EQ(summary["collections"][1]["state"], "failed");
  EXPECT_THAT(summary["collections"][1]["reason"].get<std::string>(), HasSubstr("empty"));
  EXPECT_EQ(summary["collections"][2]["state"], "done");
  EXPECT_EQ(summary["collections"][2]["num_models"], 0);
  EXPECT_FALSE(summary["collections"][2]["advice"].empty());
  EXPECT_TRUE(fs::exists(out_ / "index.html") && fs::exists(out_ / "courtyard/report.html"));

  const auto model = fs::last_write_time(out_ / "courtyard/sparse/0");
  const ProgramResult second = Run();
  EXPECT_EQ(second.status, 2);
  EXPECT_THAT(second.output, HasSubstr("courtyard was finished before"));
  EXPECT_THAT(second.output, HasSubstr("noise was finished before"));
  EXPECT_EQ(fs::last_write_time(out_ / "courtyard/sparse/0"), model);
  EXPECT_EQ(Summary()["collections"][0], courtyard);

  // Other options: the results that no longer hold are kept beside.
  fs::remove_all(collections_ / "empty");
  fs::remove_all(collections_ / "noise");
  const ProgramResult other = Run(-1, {"--SuperPoint.nms_radius", "5"});
  EXPECT_EQ(other.status, 0) << other.output;
  EXPECT_THAT(other.output, HasSubstr("courtyard.old1"));
  EXPECT_TRUE(fs::exists(out_ / "courtyard.old1/report.html"));
}

TEST_F(BatchReconstructor, AfterASignalTheSameCommandGoesOn) {
  bool interrupted = false;
  for (const int after_ms : {700, 2000}) {
    const ProgramResult stopped = Run(after_ms);
    interrupted |= stopped.status == 143;
    EXPECT_TRUE(stopped.status == 143 || stopped.status == 0) << stopped.output;
  }
  const ProgramResult whole = Run();
  EXPECT_EQ(whole.status, 0) << whole.output;
  EXPECT_EQ(Summary()["collections"][0]["num_registered"], 4);
  EXPECT_FALSE(fs::exists(out_ / "courtyard.old1")) << "what an interrupted run did was thrown away";
  if (!interrupted) GTEST_SKIP() << "this machine finished before the first signal";
}

TEST_F(BatchReconstructor, SideBySideGivesWhatOneByOneGives) {
  AddHopeless();
  fs::copy(collections_ / "courtyard", collections_ / "a second one", fs::copy_options::recursive);
  const ProgramResult together = Run(-1, {"--num_parallel", "2"});
  EXPECT_EQ(together.status, 2) << together.output;
  EXPECT_THAT(together.output, HasSubstr("reconstructed 2 of 4 collections"));
  EXPECT_THAT(together.output, HasSubstr("4 collections, 2 at a time with 1 core each"));
  const auto summary = Summary();
  EXPECT_EQ(summary["collections"][0]["num_registered"], 4);
  EXPECT_EQ(summary["collections"][0]["num_points"], summary["collections"][1]["num_points"]);
  EXPECT_EQ(summary["collections"][2]["state"], "failed") << "no photo";
  EXPECT_TRUE(fs::exists(out_ / "logs/a second one.log"));

  const ProgramResult after = Run();
  EXPECT_THAT(after.output, HasSubstr("courtyard was finished before"))
      << "another number is no other result";
  EXPECT_EQ(Summary()["collections"][0], summary["collections"][0]);
  EXPECT_EQ(Run(-1, {"--num_parallel", "-1"}).status, 1);
}

TEST_F(BatchReconstructor, SideBySideStopsAndGoesOn) {
  fs::copy(collections_ / "courtyard", collections_ / "second", fs::copy_options::recursive);
  const ProgramResult stopped = Run(1500, {"--num_parallel", "2"});
  EXPECT_TRUE(stopped.status == 143 || stopped.status == 0) << stopped.output;
  const ProgramResult whole = Run(-1, {"--num_parallel", "2"});
  EXPECT_EQ(whole.status, 0) << whole.output;
  for (const int i : {0, 1}) EXPECT_EQ(Summary()["collections"][i]["num_registered"], 4);
  EXPECT_FALSE(fs::exists(out_ / "courtyard.old1"));
}

TEST(RunSideBySide, RunsSoManyAtATimeAndTellsEachStatus) {
  TemporaryFolder folder;
  std::vector<std::vector<std::string>> commands;
  std::vector<std::string> logs;
  for (int i = 0; i < 5; ++i) {
    commands.push_back({"sh", "-c", "echo at work; sleep 0.2; exit " + std::to_string(i)});
    logs.push_back(folder.File(std::to_string(i)));
  }
  std::map<size_t, int> statuses;
  RunSideBySide(commands, logs, 2, [&](size_t i, int status) { statuses[i] = status; });
  EXPECT_EQ(statuses, (std::map<size_t, int>{{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}}));
  std::ifstream log(logs[3]);
  std::string line;
  std::getline(log, line);
  EXPECT_EQ(line, "at work");
  EXPECT_THROW(RunSideBySide({{"/no/such/program"}}, {""}, 1, [](size_t, int) {}), EnvironmentError);
}

TEST_F(BatchReconstructor, WhatWouldFailInEveryCollectionFailsBeforeTheFirst) {
  EXPECT_EQ(Run(-1, {"--SuperPoint.nms_radius", "-3"}).status, 1);
  EXPECT_EQ(Run(-1, {"--weights", "no_such_weights"}).status, 1);
  EXPECT_FALSE(fs::exists(out_));
}

}  // namespace
}  // namespace colmatch
