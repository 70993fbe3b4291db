// Tests of checkpoints: everything comes back, and a file that is not this training's is refused.
#include "training/loop/checkpoint.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "network/superglue.h"
#include "network/superpoint.h"
#include "tests/temporary_folder.h"
#include "tests/training/training_test_util.h"
#include "util/atomic_file.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

const SuperPointArchitecture kTiny{{4, 4, 8, 8}, 8, 8, true};

// A network, its optimiser, and steps that change parameters, running means and moments.
struct Trainee {
  explicit Trainee(const SuperPointArchitecture& architecture = kTiny)
      : network(architecture), optimizer(network->parameters(), torch::optim::AdamWOptions(1e-2)) {}

  void Step(uint64_t seed) {
    torch::manual_seed(seed);
    network->train();
    optimizer.zero_grad();
    const SuperPointOutput output = network->forward(torch::rand({2, 1, 16, 16}));
    (output.logits.square().mean() + (output.descriptors * torch::randn({1, 8, 2, 2})).mean()).backward();
    optimizer.step();
  }
  SuperPoint network;
  torch::optim::AdamW optimizer;
};

class Checkpoint : public testing::Test {
 protected:
  Checkpoint() {
    for (uint64_t seed = 0; seed < 3; ++seed) trained_.Step(seed);
    SaveCheckpoint(Path(), *trained_.network, trained_.optimizer, state_);
  }
  std::string Path() const { return (folder_.path() / "checkpoint.pt").string(); }
  // "" if the file is refused by an EnvironmentError that starts with its name.
  std::string RefusalOf(torch::nn::Module& network, torch::optim::Optimizer& optimizer) const {
    try {
      LoadCheckpoint(Path(), network, optimizer);
    } catch (const EnvironmentError& error) {
      return std::string(error.what()).rfind(Path(), 0) == 0 ? "" : error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder_;
  Trainee trained_;
  const TrainingState state_{3, {{"loss", {3, 2, 1.0 / 3}}, {"loss_step", {1, 2, 3}}, {"none", {}}}, "abc"};
};

TEST_F(Checkpoint, RestoresParametersBuffersStepAndMetrics) {
  Trainee fresh;
  const TrainingState state = LoadCheckpoint(Path(), *fresh.network, fresh.optimizer);
  EXPECT_TRUE(SameBytes(*fresh.network, *trained_.network));
  EXPECT_EQ(state.step, 3);
  EXPECT_EQ(state.metrics, state_.metrics);
  EXPECT_EQ(state.initial_sha256, "abc");
}

TEST_F(Checkpoint, RestoresTheOptimiserSoThatTheNextStepsAreTheSame) {
  Trainee fresh;
  fresh.Step(99);  // moments of its own, to be replaced
  LoadCheckpoint(Path(), *fresh.network, fresh.optimizer);
  for (uint64_t seed = 10; seed < 13; ++seed) {
    fresh.Step(seed);
    trained_.Step(seed);
    EXPECT_TRUE(SameBytes(*fresh.network, *trained_.network)) << "seed " << seed;
  }
}

TEST_F(Checkpoint, ATrainingWithoutMetricsYetIsSavedToo) {
  SaveCheckpoint(Path(), *trained_.network, trained_.optimizer, {});
  Trainee fresh;
  const TrainingState state = LoadCheckpoint(Path(), *fresh.network, fresh.optimizer);
  EXPECT_EQ(state.step, 0);
  EXPECT_TRUE(state.metrics.empty());
}

TEST_F(Checkpoint, AFileCutAnywhereIsRefusedByName) {
  const std::string whole = ReadWholeFile(Path());
  for (size_t tenth = 0; tenth < 10; ++tenth) {
    WriteFileAtomically(Path(), whole.substr(0, whole.size() * tenth / 10));
    Trainee fresh;
    EXPECT_EQ(RefusalOf(*fresh.network, fresh.optimizer), "") << tenth << " tenths of the file";
  }
  WriteFileAtomically(Path(), whole.substr(0, whole.size() - 1));
  Trainee fresh;
  EXPECT_EQ(RefusalOf(*fresh.network, fresh.optimizer), "") << "all but the last byte";
}

// LibTorch's reader checks no checksum: without ours a wrong bit in a tensor loads as another number, and one
// of these crashes the reader.
TEST_F(Checkpoint, OneWrongBitAnywhereIsRefusedByName) {
  const std::string whole = ReadWholeFile(Path());
  for (size_t offset = 0; offset < whole.size(); offset += 997) {
    std::string damaged = whole;
    damaged[offset] = static_cast<char>(damaged[offset] ^ 4);
    WriteFileAtomically(Path(), damaged);
    Trainee fresh;
    EXPECT_EQ(RefusalOf(*fresh.network, fresh.optimizer), "") << "byte " << offset;
  }
}

TEST_F(Checkpoint, AnArchiveWithoutAChecksumAsWrittenBeforeIsRead) {
  const std::string whole = ReadWholeFile(Path());
  WriteFileAtomically(Path(), whole.substr(whole.find("PK\3\4")));
  Trainee fresh;
  EXPECT_EQ(LoadCheckpoint(Path(), *fresh.network, fresh.optimizer).step, 3);
  EXPECT_TRUE(SameBytes(*fresh.network, *trained_.network));
}

TEST_F(Checkpoint, OtherFilesAreRefusedByName) {
  const std::string whole = ReadWholeFile(Path());
  const std::string start_lost = std::string(4096, '\0') + whole.substr(4096);
  const std::string end_lost = whole.substr(0, whole.size() - 4096) + std::string(4096, '\0');
  std::string code_lost = whole;  // the archive's own program, which LibTorch parses
  code_lost.replace(whole.find(".py") + 64, 64, std::string(64, '\xB7'));
  for (const std::string& bytes :
       {std::string("a text file"), std::string(5000, 'x'), start_lost, end_lost, code_lost}) {
    WriteFileAtomically(Path(), bytes);
    Trainee fresh;
    EXPECT_EQ(RefusalOf(*fresh.network, fresh.optimizer), "") << bytes.substr(0, 12);
  }
  std::filesystem::remove(Path());
  Trainee fresh;
  EXPECT_EQ(RefusalOf(*fresh.network, fresh.optimizer), "") << "no file";
}

// LibTorch's reader gives a tensor whatever shape the file has: the network would no longer be what its
// architecture says.
TEST_F(Checkpoint, AnotherArchitectureIsRefused) {
  for (const SuperPointArchitecture& other :
       {SuperPointArchitecture{{4, 4, 8, 8}, 8, 16, true}, SuperPointArchitecture{{4, 4, 8, 16}, 8, 8, true},
        SuperPointArchitecture{{4, 4, 8, 8}, 8, 8, false}}) {
    Trainee fresh(other);
    EXPECT_EQ(RefusalOf(*fresh.network, fresh.optimizer), "");
  }
}

TEST_F(Checkpoint, AnotherDepthIsRefused) {
  for (const auto& [saved_pairs, pairs] : {std::pair<int, int>{1, 2}, {2, 1}}) {
    SuperGlue saved(SuperGlueArchitecture{8, {8}, saved_pairs}), fresh(SuperGlueArchitecture{8, {8}, pairs});
    const torch::optim::AdamW saved_optimizer(saved->parameters(), torch::optim::AdamWOptions());
    torch::optim::AdamW optimizer(fresh->parameters(), torch::optim::AdamWOptions());
    SaveCheckpoint(Path(), *saved, saved_optimizer, {});
    EXPECT_EQ(RefusalOf(*fresh, optimizer), "")
        << saved_pairs << " pairs in the file, " << pairs << " in the network";
  }
}

}  // namespace
}  // namespace colmatch
