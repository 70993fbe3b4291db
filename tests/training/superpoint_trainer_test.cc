// Tests of SuperPoint's training: exact resume, determinism, its first losses, what must not influence it.
#include "training/superpoint_trainer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "network/error.h"
#include "tests/network/tensor_near.h"
#include "tests/temporary_folder.h"
#include "tests/training/training_test_util.h"
#include "training/checkpoint.h"

namespace colmatch {
namespace {

class SuperPointTrainer : public testing::Test {
 protected:
  // Sums in another order would round otherwise.
  void SetUp() override { torch::set_num_threads(1); }

  SuperPointTrainingOptions Options(const std::string& run, bool resume = false) const {
    return TinySuperPointTraining((folder_.path() / run).string(), resume);
  }
  static SuperPoint Train(const SuperPointTrainingOptions& options) {
    Recorder recorder;
    return TrainSuperPoint(Photos(), options, recorder.Hooks());
  }
  static std::vector<ShardPhoto> Photos() {
    return {TexturePhoto(1), TexturePhoto(2), TexturePhoto(3), TexturePhoto(4)};
  }

  TemporaryFolder folder_;
};

TEST_F(SuperPointTrainer, ThreeStepsAndThreeMoreAreSixByteForByte) {
  Recorder whole, first(3), second;
  const SuperPoint unbroken = TrainSuperPoint(Photos(), Options("unbroken"), whole.Hooks());
  TrainSuperPoint(Photos(), Options("broken"), first.Hooks());
  EXPECT_EQ(first.Losses().size(), 3u);
  const SuperPoint resumed = TrainSuperPoint(Photos(), Options("broken", /*resume=*/true), second.Hooks());
  EXPECT_EQ(second.Losses().size(), 3u);
  EXPECT_TRUE(SameBytes(*resumed, *unbroken));
  const std::vector<double> losses = whole.Losses();
  ASSERT_EQ(losses.size(), 6u);
  EXPECT_EQ(second.Losses(), std::vector<double>(losses.begin() + 3, losses.end()));
}

TEST_F(SuperPointTrainer, TheSameSeedGivesTheSameNetworkAndAnotherSeedAnother) {
  const SuperPoint first = Train(Options("a")), second = Train(Options("b"));
  EXPECT_TRUE(SameBytes(*first, *second));
  SuperPointTrainingOptions other = Options("c");
  other.data.seed = 4;
  EXPECT_FALSE(SameBytes(*first, *Train(other)));
}

TEST_F(SuperPointTrainer, ItsFirstLossesAreThese) {
  SuperPointTrainingOptions options = Options("run");
  options.loop.schedule.learning_rate = 1e-3;  // large steps would magnify what rounding differs elsewhere
  Recorder recorder;
  TrainSuperPoint(Photos(), options, recorder.Hooks());
  const std::vector<double> expected = {7.09006, 8.17656, 8.24113, 9.41592, 8.33955};
  ASSERT_EQ(recorder.Losses().size(), 6u);
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(recorder.Losses()[i], expected[i], 1e-3) << "step " << i;
}

TEST_F(SuperPointTrainer, TheReturnedNetworkIsTheTrainedOneWithoutItsBatchNorm) {
  const SuperPoint folded = Train(Options("run"));
  EXPECT_FALSE(folded->architecture().batch_norm);
  EXPECT_FALSE(folded->is_training());
  SuperPoint unfolded(Options("run").architecture);
  torch::optim::AdamW optimizer(unfolded->parameters(), torch::optim::AdamWOptions());
  LoadCheckpoint(Options("run").loop.run_folder + "/checkpoint.pt", *unfolded, optimizer);
  unfolded->eval();
  torch::NoGradGuard no_grad;
  const auto image = torch::rand({1, 1, 48, 64});
  const SuperPointOutput expected = unfolded->forward(image), found = SuperPoint(folded)->forward(image);
  EXPECT_TRUE(TensorsNear(found.logits, expected.logits, 1e-4));
  EXPECT_TRUE(TensorsNear(found.descriptors, expected.descriptors, 1e-4));
}

TEST_F(SuperPointTrainer, ValidationDoesNotDisturbTheTraining) {
  SuperPointTrainingOptions with = Options("with"), without = Options("without");
  with.validation_share = without.validation_share = 0.5;
  with.validation_batches = 1;
  with.loop.validate_every = 2;
  Recorder recorder;
  EXPECT_TRUE(SameBytes(*TrainSuperPoint(Photos(), with, recorder.Hooks()), *Train(without)));
  EXPECT_EQ(recorder.Losses().size(), 6u);
  EXPECT_EQ(recorder.reports.size(), 9u);
}

TEST_F(SuperPointTrainer, HeldOutPhotosAreNeverTrainedOn) {
  SuperPointTrainingOptions options = Options("all");
  options.validation_share = 0.5;
  const SuperPoint expected = Train(options);
  std::vector<ShardPhoto> photos = Photos();
  photos[1] = TexturePhoto(77);
  photos[3] = TexturePhoto(78);
  options.loop.run_folder += " other";
  EXPECT_TRUE(SameBytes(*TrainSuperPoint(photos, options, {}), *expected));
}

TEST_F(SuperPointTrainer, ResumingWithAnotherArchitectureIsRefused) {
  Train(Options("run"));
  SuperPointTrainingOptions other = Options("run", /*resume=*/true);
  other.architecture.descriptor_dim = 16;
  EXPECT_THROW(Train(other), EnvironmentError);
}

TEST_F(SuperPointTrainer, NoPhotosAreAnInputError) {
  EXPECT_THROW(TrainSuperPoint({}, Options("run"), {}), InputError);
}

}  // namespace
}  // namespace colmatch
