// The world in the way of extraction and matching: what the user is told, and that nothing is lost.
// docs/faults.md has the whole table.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "database_io/colmap_database.h"
#include "plugin/runtime/handover.h"
#include "tests/plugin/reconstruction/collection_run.h"
#include "tests/temporary_folder.h"
#include "tests/unwritable.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

class Faults : public testing::Test {
 protected:
  // The tables of a run that nothing disturbed, made once.
  static const std::string& ExpectedRows() {
    static const std::string rows = [] {
      const TemporaryFolder folder;
      const std::string database = folder.File("whole.db");
      EXPECT_EQ(RunColmatch(ExtractArguments(database)).status, 0);
      EXPECT_EQ(RunColmatch(MatchArguments(database)).status, 0);
      return AllRows(database);
    }();
    return rows;
  }

  ProgramResult Run(const std::vector<std::string>& arguments, const std::function<void()>& prepare = {}) {
    return RunningColmatch(arguments, prepare).Wait();
  }

  void FinishAndCompare(const std::string& database) {
    ASSERT_EQ(IntegrityOf(database), "ok");
    ASSERT_EQ(RunColmatch(ExtractArguments(database)).status, 0);
    ASSERT_EQ(RunColmatch(MatchArguments(database)).status, 0);
    EXPECT_EQ(AllRows(database), ExpectedRows());
  }

  TemporaryFolder folder_;
  std::string database_ = folder_.File("x.db");
};

TEST_F(Faults, AFileSizeLimitIsNamedAndTheSameCommandsGoOn) {
  const ProgramResult result = Run(ExtractArguments(database_), [] {
    const rlimit limit = {600000, 600000};
    setrlimit(RLIMIT_FSIZE, &limit);
  });
  EXPECT_EQ(result.status, 3) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr(database_), HasSubstr("run the same command again")));
  FinishAndCompare(database_);
}

TEST_F(Faults, AFullDiskIsNamedAndTheSameCommandsGoOn) {
  const std::string small = folder_.File("small");
  fs::create_directory(small);
  // Mounts of this process and its children alone.
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", small.c_str(), "tmpfs", 0, "size=1000k") != 0) {
    GTEST_SKIP() << "a small disk cannot be mounted here (not root)";
  }
  const std::string database = small + "/x.db";
  const ProgramResult result = Run(ExtractArguments(database));
  EXPECT_EQ(result.status, 3) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr(database), AnyOf(HasSubstr("disk is full"), HasSubstr("free space"))));
  ASSERT_EQ(mount("tmpfs", small.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
  FinishAndCompare(database);
  umount(small.c_str());
}

TEST_F(Faults, AReadOnlyDatabaseIsRefusedBeforeAnyWork) {
  ASSERT_EQ(RunColmatch(ExtractArguments(database_)).status, 0);
  const std::string before = AllRows(database_);
  Unwritable guard(database_);
  if (!guard.worked()) GTEST_SKIP() << "this user can write everything and chattr +i does not work here";
  const ProgramResult result = Run(MatchArguments(database_));
  EXPECT_EQ(result.status, 3) << result.output;
  EXPECT_THAT(result.output, HasSubstr("is read-only"));
  EXPECT_EQ(AllRows(database_), before);
}

TEST_F(Faults, AReadOnlyFolderIsRefusedBeforeAnyWork) {
  fs::create_directory(folder_.File("locked"));
  Unwritable guard(folder_.File("locked"));
  if (!guard.worked()) GTEST_SKIP() << "this user can write everything and chattr +i does not work here";
  const ProgramResult result = Run(ExtractArguments(folder_.File("locked/x.db")));
  EXPECT_EQ(result.status, 3) << result.output;
  EXPECT_THAT(result.output, HasSubstr("locked/x.db"));
  EXPECT_THAT(NamesIn(folder_.File("locked")), testing::IsEmpty());
}

TEST_F(Faults, TwoProgramsOnOneDatabaseShareTheWorkAndAgree) {
  for (const auto& arguments : {ExtractArguments(database_), MatchArguments(database_)}) {
    RunningColmatch first(arguments), second(arguments);
    const ProgramResult result1 = first.Wait(), result2 = second.Wait();
    EXPECT_EQ(result1.status, 0) << result1.output;
    EXPECT_EQ(result2.status, 0) << result2.output;
  }
  EXPECT_EQ(IntegrityOf(database_), "ok");
  EXPECT_EQ(AllRows(database_), ExpectedRows());
}

TEST_F(Faults, OneSignalStopsAtTheNextPhotoAndTheSameCommandsGoOn) {
  for (const int signal : {SIGINT, SIGTERM}) {
    RunningColmatch program(ExtractArguments(database_));
    while (!fs::exists(database_)) usleep(1000);  // the weights are loaded, the handlers are there
    program.Signal(signal);
    const ProgramResult result = program.Wait();
    ASSERT_EQ(result.status, 128 + signal) << result.output;
    EXPECT_THAT(result.output, HasSubstr("stopped by a signal; everything up to here is stored"));
    FinishAndCompare(database_);
    fs::remove(database_);
  }
}

TEST_F(Faults, ASecondSignalEndsAProgramThatWaits) {
  ASSERT_EQ(RunColmatch(ExtractArguments(database_)).status, 0);
  ColmapDatabase holder(database_, DatabaseMode::kOpenExisting);
  Transaction lock = holder.BeginTransaction();
  auto arguments = MatchArguments(database_);
  arguments.insert(arguments.end(), {"--busy_timeout", "600"});
  RunningColmatch program(arguments);
  // The first signals may come before there are handlers; from then on two are enough. One that did not end
  // it would leave it waiting for ten minutes.
  while (!program.HasEnded()) {
    program.Signal(SIGINT);
    usleep(200'000);
  }
  const ProgramResult result = program.Wait();
  EXPECT_EQ(result.status, 130) << result.output;
}

TEST_F(Faults, ClosedStreamsDisturbNothing) {
  const auto close_all = [] {
    for (int stream = 0; stream < 3; ++stream) close(stream);
  };
  EXPECT_EQ(Run(ExtractArguments(database_), close_all).status, 0);
  EXPECT_EQ(Run(MatchArguments(database_), close_all).status, 0);
  EXPECT_EQ(AllRows(database_), ExpectedRows());
}

TEST_F(Faults, OutputThatCannotBeWrittenIsAFailure) {
  const ProgramResult result = Run({"--help"}, [] { dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO); });
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.output, HasSubstr("standard output cannot be written: No space left on device"));
}

TEST_F(Faults, LocaleHomeAndTemporaryFolderDoNotMatter) {
  const auto bare = [] {
    unsetenv("HOME");
    unsetenv("LANG");
    setenv("LC_ALL", "de_DE.UTF-8", 1);
    setenv("TMPDIR", "/nonexistent", 1);
    umask(077);
  };
  EXPECT_EQ(Run(ExtractArguments(database_), bare).status, 0);
  EXPECT_EQ(Run(MatchArguments(database_), bare).status, 0);
  EXPECT_EQ(AllRows(database_), ExpectedRows());
}

TEST_F(Faults, AbsurdOptionValuesAreNamedBeforeAnyWork) {
  const struct {
    const char *option, *value;
  } cases[] = {{"--num_threads", "0"},
               {"--num_threads", "1e18"},
               {"--num_threads", "100000"},
               {"--busy_timeout", "nan"},
               {"--busy_timeout", "-1"},
               {"--ExhaustiveMatching.block_size", "0"},
               {"--ExhaustiveMatching.block_size", "-7"},
               {"--SuperGlue.match_threshold", "nan"},
               {"--SuperGlue.sinkhorn_iterations", "-1"},
               {"--SuperGlue.sinkhorn_iterations", "999999999"},
               {"--SuperGlue.guidance_rounds", "-2"},
               {"--SuperGlue.guidance_rounds", "101"},
               {"--TwoViewGeometry.max_error", "inf"},
               {"--TwoViewGeometry.min_num_inliers", "-1"},
               {"--TwoViewGeometry.max_num_trials", "99999999999"},
               {"--TwoViewGeometry.confidence", "2"},
               {"--matcher", ""}};
  { ColmapDatabase made(database_, DatabaseMode::kCreateOrOpen); }
  for (const auto& c : cases) {
    auto arguments = MatchArguments(database_);
    arguments.insert(arguments.end(), {c.option, c.value});
    const ProgramResult result = Run(arguments);
    EXPECT_EQ(result.status, 1) << c.option << ' ' << c.value << '\n' << result.output;
    EXPECT_THAT(result.output, HasSubstr(std::string(c.option).substr(2))) << c.value;
  }
}

TEST_F(Faults, TooManyKeypointsForTheMemoryAreRefusedBeforeAnyWork) {
  {
    ColmapDatabase database(database_, DatabaseMode::kCreateOrOpen);
    Transaction transaction = database.BeginTransaction();
    const camera_t camera = database.AddCamera({0, 0, 4000, 3000, {4000, 2000, 1500}, false});
    for (const char* name : {"a.jpg", "b.jpg"}) {
      const size_t count = 1'000'000;
      const image_t image = database.AddImage({0, name, camera, {}});
      database.WriteKeypoints(image, {count, 2, std::vector<float>(2 * count, 1)});
    }
    transaction.Commit();
  }
  const ProgramResult result = Run(MatchArguments(database_));
  EXPECT_EQ(result.status, 3) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("a.jpg (1000000 keypoints)"), HasSubstr("of memory"),
                                   HasSubstr("--SuperPoint.max_num_features")));
}

TEST_F(Faults, NamesInMessagesCannotSteerATerminal) {
  const auto photos = folder_.path() / "photos";
  CopyTwoTestPhotos(photos);
  folder_.Write("photos/\x1b[2Jclear\nnext.jpg", std::string("no photo"));
  const ProgramResult result = Run(ExtractArguments(database_, photos));
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.output, HasSubstr("\\x1b[2Jclear\\x0anext.jpg"));
  EXPECT_EQ(result.output.find('\x1b'), std::string::npos);
}

// --- other programs ---

constexpr char kHostile[] = "it's \"$(touch made_by_a_shell)\" `id`; * \\ %s \xC3\xBC";

TEST_F(Faults, ArgumentsReachOtherProgramsAsTheyAre) {
  const std::string log = folder_.File("log.txt");
  ASSERT_EQ(RunProgram({"printf", "%s|", kHostile, "-x", ""}, log), 0);
  std::ifstream stream(log);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), std::string(kHostile) + "|-x||");
}

TEST_F(Faults, ACommandOfColmapsGetsItsArgumentsAsTheyAreAndSignalsAsTheyWere) {
  folder_.Write("bin/colmap", std::string("#!/bin/sh\nprintf '%s|' \"$@\"\ngrep SigIgn /proc/$$/status\n"));
  fs::permissions(folder_.path() / "bin/colmap", fs::perms::owner_all);
  const std::string path = "PATH=" + folder_.File("bin") + ":" + std::getenv("PATH");
  const ProgramResult result = RunColmatch({"model_analyzer", "--path", kHostile, ""}, -1, {path});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("model_analyzer|--path|" + std::string(kHostile) + "||"));
  const auto ignored = std::stoull(result.output.substr(result.output.find("SigIgn:") + 7), nullptr, 16);
  EXPECT_EQ(ignored >> (SIGPIPE - 1) & 1, 0u);
  EXPECT_EQ(ignored >> (SIGXFSZ - 1) & 1, 0u);
}

}  // namespace
}  // namespace colmatch
