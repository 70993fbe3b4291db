// A training that is killed (as by the kernel: no handler runs) at random moments and resumed.
#include <gtest/gtest.h>
#include <signal.h>
#include <torch/torch.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "tests/network/npz_reader.h"
#include "tests/temporary_folder.h"
#include "tests/test_seed.h"
#include "tests/training/training_test_util.h"

namespace colmatch {
namespace {

// The killed process is this program started anew, because LibTorch's threads do not survive a fork; it
// learns the run folder from the environment.
constexpr char kFolderVariable[] = "COLMATCH_TEST_KILLED_RUN";

SuperPointTrainingOptions Options(const std::string& folder, bool resume) {
  SuperPointTrainingOptions options = TinySuperPointTraining(folder, resume);
  options.loop.schedule.num_steps = 60;
  options.loop.checkpoint_every = 1;  // so that some kills fall into the writing
  return options;
}

std::vector<ShardPhoto> Photos() { return {TexturePhoto(1), TexturePhoto(2)}; }

// Goes on with the run and dies between its first checkpoint and a few later.
void TrainUntilKilled(int64_t delay_us) {
  torch::set_num_threads(1);
  TrainHooks hooks;
  bool armed = false;
  hooks.saved = [&](int64_t, const MetricSeries&) {
    if (!std::exchange(armed, true)) {
      std::thread([=] {
        std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
        raise(SIGKILL);
      }).detach();
    }
  };
  TrainSuperPoint(Photos(), Options(std::getenv(kFolderVariable), /*resume=*/true), nullptr, hooks);
  raise(SIGKILL);  // it was faster than the delay
}

TEST(KilledTrainingDeathTest, GoesThroughTheSameParametersAsAnUnbrokenOne) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  torch::set_num_threads(1);
  std::optional<TemporaryFolder> folder;  // only here: a killed process would leave its own behind
  if (std::getenv(kFolderVariable) == nullptr) {
    setenv(kFolderVariable, (folder.emplace().path() / "killed").c_str(), /*overwrite=*/1);
  }
  for (int kill = 0; kill < 10; ++kill) {
    const int64_t delay_us = std::uniform_int_distribution<int64_t>(0, 60000)(TestRng());
    EXPECT_EXIT(TrainUntilKilled(delay_us), testing::KilledBySignal(SIGKILL), "") << delay_us << " us";
  }
  Recorder unbroken, resumed;
  const SuperPoint expected = TrainSuperPoint(
      Photos(), Options((folder->path() / "unbroken").string(), false), nullptr, unbroken.Hooks());
  const SuperPoint found =
      TrainSuperPoint(Photos(), Options(std::getenv(kFolderVariable), true), nullptr, resumed.Hooks());
  EXPECT_LT(resumed.Losses().size(), unbroken.Losses().size()) << "nothing was kept of the killed runs";
  EXPECT_TRUE(SameBytes(*found, *expected));
  const auto metrics = ReadNpz((folder->path() / "killed" / "metrics.npz").string());
  EXPECT_TRUE(metrics.at("loss_step").equal(torch::arange(1, 61, torch::kDouble)))
      << "each step once, in order";
  unsetenv(kFolderVariable);
}

}  // namespace
}  // namespace colmatch
