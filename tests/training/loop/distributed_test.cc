// Tests of training in two processes: the same parameters as in one, and what is refused.
#include "training/loop/distributed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <torch/torch.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/temporary_folder.h"
#include "tests/training/training_test_util.h"
#include "util/error.h"

namespace colmatch {
namespace {

// Set while it lives.
class Environment {
 public:
  Environment(int rank, int size, int port) {
    Set("RANK", std::to_string(rank));
    Set("WORLD_SIZE", std::to_string(size));
    Set("MASTER_ADDR", "127.0.0.1");
    Set("MASTER_PORT", std::to_string(port));
  }
  ~Environment() {
    for (const std::string& name : names_) unsetenv(name.c_str());
  }

 private:
  void Set(const std::string& name, const std::string& value) {
    names_.push_back(name);
    setenv(name.c_str(), value.c_str(), 1);
  }
  std::vector<std::string> names_;
};

int FreePort() { return 20000 + static_cast<int>(getpid() % 20000); }

std::vector<ShardPhoto> Photos() { return {TexturePhoto(1), TexturePhoto(2), TexturePhoto(3)}; }

SuperPoint TrainTiny(const std::string& folder, Replicas* replicas) {
  torch::set_num_threads(1);
  SuperPointTrainingOptions options = TinySuperPointTraining(folder);
  options.loop.batches_per_step = 2;
  Recorder recorder;
  TrainHooks hooks = recorder.Hooks();
  hooks.replicas = replicas;
  return TrainSuperPoint(Photos(), options, SuperPoint{nullptr}, hooks);
}

// In a process of its own, started anew: LibTorch's threads do not survive a fork.
constexpr char kChildVariable[] = "COLMATCH_TEST_SECOND_PROCESS";

TEST(Replicas, AProcessAloneNeedsNothing) {
  const Replicas alone;
  EXPECT_EQ(alone.size(), 1);
  EXPECT_TRUE(alone.IsFirst());
  unsetenv("WORLD_SIZE");
  EXPECT_EQ(Replicas::FromEnvironment().size(), 1);
}

TEST(Replicas, VariablesThatAreMissingOrMakeNoSenseAreNamed) {
  setenv("WORLD_SIZE", "2", 1);
  EXPECT_THROW(Replicas::FromEnvironment(), UsageError);
  setenv("WORLD_SIZE", "two", 1);
  try {
    Replicas::FromEnvironment();
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("WORLD_SIZE"));
    EXPECT_THAT(error.what(), testing::HasSubstr("two"));
  }
  unsetenv("WORLD_SIZE");
}

TEST(Replicas, BatchesThatTheProcessesCannotShareAreRefused) {
  // The second process of two would wait for the first; the check comes before.
  TemporaryFolder folder;
  SuperPointTrainingOptions options = TinySuperPointTraining((folder.path() / "run").string());
  options.loop.batches_per_step = 0;
  EXPECT_THROW(TrainSuperPoint(Photos(), options, SuperPoint{nullptr}, {}), UsageError);
}

TEST(Replicas, TwoProcessesTrainTheSameNetworkAsOne) {
  if (const char* run = std::getenv(kChildVariable)) {  // this is the second process
    Replicas replicas = Replicas::FromEnvironment();
    ASSERT_EQ(replicas.rank(), 1);
    TrainTiny(run, &replicas);
    return;
  }
  TemporaryFolder folder;
  const std::string run = (folder.path() / "two").string();
  const SuperPoint alone = TrainTiny((folder.path() / "one").string(), nullptr);
  const int port = FreePort();
  const pid_t child = fork();
  if (child == 0) {
    const Environment environment(1, 2, port);
    setenv(kChildVariable, run.c_str(), 1);
    execl("/proc/self/exe", "training_test", "--gtest_filter=Replicas.TwoProcesses*", nullptr);
    _exit(127);
  }
  const Environment environment(0, 2, port);
  Replicas replicas;
  try {
    replicas = Replicas::FromEnvironment();
  } catch (const UsageError& error) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    GTEST_SKIP() << error.what();
  }
  const SuperPoint together = TrainTiny(run, &replicas);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "of the second process";
  for (const auto& item : together->named_parameters()) {
    EXPECT_LT((item.value() - alone->named_parameters()[item.key()]).abs().max().item<double>(), 1e-5)
        << item.key();
  }
}

}  // namespace
}  // namespace colmatch
