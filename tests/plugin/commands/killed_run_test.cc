// Extraction and matching killed (SIGKILL) at random moments: the database is whole each time, and the same
// commands end in the tables of an unbroken run, byte for byte. scripts/kill_test.sh asks for more kills than
// CI's 20.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

#include "tests/plugin/reconstruction/collection_run.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

using Seconds = std::chrono::duration<double>;

Seconds TimeOf(const std::vector<std::string>& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const ProgramResult result = RunColmatch(arguments);
  EXPECT_EQ(result.status, 0) << result.output;
  return std::chrono::steady_clock::now() - start;
}

class KilledRun : public testing::Test {
 protected:
  // Kills the command at a random moment of its run, `times` times, then lets it end. Counts what was hit.
  void KillThenFinish(const std::vector<std::string>& arguments, Seconds whole, int times) {
    for (int i = 0; i < times; ++i) {
      RunningColmatch program(arguments);
      std::this_thread::sleep_for(whole * std::uniform_real_distribution<>(0, 1)(rng_));
      const ProgramResult result = program.Kill();
      if (result.status == 0) continue;  // it was faster
      ASSERT_EQ(result.status, 128 + SIGKILL) << result.output;
      ++kills_;
      if (!std::filesystem::exists(database_)) continue;
      ASSERT_EQ(IntegrityOf(database_), "ok") << "after kill " << kills_;
    }
    const ProgramResult result = RunColmatch(arguments);
    ASSERT_EQ(result.status, 0) << result.output;
  }

  TemporaryFolder folder_;
  std::string database_ = folder_.File("broken.db");
  std::mt19937 rng_{17};
  int kills_ = 0;
};

TEST_F(KilledRun, EndsInTheTablesOfAnUnbrokenOne) {
  const char* asked = std::getenv("COLMATCH_KILLS");
  const int wanted = asked != nullptr ? std::atoi(asked) : 20;
  const std::string whole = folder_.File("whole.db");
  const Seconds extraction = TimeOf(ExtractArguments(whole)), matching = TimeOf(MatchArguments(whole));
  const std::string expected = AllRows(whole);
  while (kills_ < wanted) {
    const int left = wanted - kills_;
    KillThenFinish(ExtractArguments(database_), extraction, std::min(5, (left + 1) / 2));
    if (HasFatalFailure()) return;
    KillThenFinish(MatchArguments(database_), matching, std::min(5, (left + 1) / 2));
    if (HasFatalFailure()) return;
    ASSERT_EQ(AllRows(database_), expected) << "after " << kills_ << " kills";
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database_ + suffix);
  }
  std::printf("%d kills, the tables equal those of an unbroken run each time\n", kills_);
}

}  // namespace
}  // namespace colmatch
