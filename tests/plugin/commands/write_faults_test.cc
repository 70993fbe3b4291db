// The n-th write to the database fails, once or from then on, or the process dies there: the database is
// whole, and the same commands end in the tables of an undisturbed run, byte for byte. CI tries some n of
// each command; COLMATCH_WRITE_FAULTS=all, every one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "tests/plugin/reconstruction/collection_run.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

using Arguments = std::vector<std::string>;

class WriteFaults : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ASSERT_EQ(RunColmatch(ExtractArguments(extracted_)).status, 0);
    fs::copy_file(extracted_, whole_);
    ASSERT_EQ(RunColmatch(MatchArguments(whole_)).status, 0);
    expected_ = AllRows(whole_);
  }

  ProgramResult RunWith(const Arguments& arguments, const std::string& fault, long at) {
    return RunColmatch(arguments, -1,
                       {std::string("LD_PRELOAD=") + COLMATCH_WRITE_FAULT, "COLMATCH_FAULT_PATH=" + database_,
                        "COLMATCH_FAULT=" + fault, "COLMATCH_FAULT_AT=" + std::to_string(at),
                        "COLMATCH_FAULT_COUNT=" + count_});
  }

  // As before the command: nothing, or the features.
  void Reset(bool with_features) {
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(database_ + suffix);
    if (with_features) fs::copy_file(extracted_, database_);
    fs::remove(count_);
  }

  void TryAll(const Arguments& arguments, bool with_features, const std::string& fault) {
    Reset(with_features);
    ASSERT_EQ(RunWith(arguments, fault, 1'000'000).status, 0);
    const auto writes = static_cast<long>(fs::file_size(count_));
    ASSERT_GT(writes, 10);
    const bool all = std::getenv("COLMATCH_WRITE_FAULTS") != nullptr;
    for (long at = all ? 1 : 2; at <= writes; at += all ? 1 : (writes + 3) / 4) {
      Reset(with_features);
      const ProgramResult result = RunWith(arguments, fault, at);
      SCOPED_TRACE(arguments[0] + ", " + fault + " at " + std::to_string(at) + ": " + result.output);
      if (fault == "kill") {
        ASSERT_EQ(result.status, 128 + SIGKILL);
      } else if (result.status != 0) {  // a failure may come when nothing depends on it any more
        ASSERT_EQ(result.status, 3);
        ASSERT_THAT(result.output, AllOf(HasSubstr("error: "), HasSubstr(database_)));
      }
      ASSERT_EQ(IntegrityOf(database_), "ok");
      ASSERT_EQ(RunColmatch(ExtractArguments(database_)).status, 0);
      ASSERT_EQ(RunColmatch(MatchArguments(database_)).status, 0);
      ASSERT_EQ(AllRows(database_), expected_);
      ++tried_;
    }
  }

  TemporaryFolder folder_;
  std::string extracted_ = folder_.File("extracted.db"), whole_ = folder_.File("whole.db"),
              database_ = folder_.File("faulty.db"), count_ = folder_.File("count"), expected_;
  int tried_ = 0;
};

TEST_P(WriteFaults, LeaveADatabaseThatTheSameCommandsFinish) {
  TryAll(ExtractArguments(database_), false, GetParam());
  if (HasFatalFailure()) return;
  TryAll(MatchArguments(database_), true, GetParam());
  std::printf("%d faults, the tables equal those of an undisturbed run each time\n", tried_);
}

INSTANTIATE_TEST_SUITE_P(Each, WriteFaults, testing::Values("kill", "once", "ever"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace colmatch
