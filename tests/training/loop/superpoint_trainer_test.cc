// Tests of SuperPoint's training: exact resume, determinism, its first losses, what must not influence it.
#include "training/loop/superpoint_trainer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "tests/network/tensor_near.h"
#include "tests/temporary_folder.h"
#include "tests/training/training_test_util.h"
#include "training/data/descriptor_targets.h"
#include "training/loop/checkpoint.h"
#include "util/error.h"

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
    return TrainSuperPoint(Photos(), options, nullptr, recorder.Hooks());
  }
  static std::vector<ShardPhoto> Photos() {
    return {TexturePhoto(1), TexturePhoto(2), TexturePhoto(3), TexturePhoto(4)};
  }

  TemporaryFolder folder_;
};

TEST_F(SuperPointTrainer, ThreeStepsAndThreeMoreAreSixByteForByte) {
  for (const auto& [labels, name] :
       {std::pair(LabelSource::kShards, "shards"), {LabelSource::kRepeatedPeaks, "repeated"}}) {
    SCOPED_TRACE(name);
    SuperPointTrainingOptions options = Options(std::string("unbroken ") + name);
    options.data.labels = labels;
    Recorder whole, first(3), second;
    const SuperPoint unbroken = TrainSuperPoint(Photos(), options, nullptr, whole.Hooks());
    options.loop.run_folder += " broken";
    TrainSuperPoint(Photos(), options, nullptr, first.Hooks());
    EXPECT_EQ(first.Losses().size(), 3u);
    options.loop.resume = true;
    const SuperPoint resumed = TrainSuperPoint(Photos(), options, nullptr, second.Hooks());
    EXPECT_EQ(second.Losses().size(), 3u);
    EXPECT_TRUE(SameBytes(*resumed, *unbroken));
    const std::vector<double> losses = whole.Losses();
    ASSERT_EQ(losses.size(), 6u);
    EXPECT_EQ(second.Losses(), std::vector<double>(losses.begin() + 3, losses.end()));
  }
}

TEST_F(SuperPointTrainer, TheSameSeedGivesTheSameNetworkAndAnotherSeedAnother) {
  const SuperPoint first = Train(Options("a")), second = Train(Options("b"));
  EXPECT_TRUE(SameBytes(*first, *second));
  SuperPointTrainingOptions other = Options("c");
  other.data.seed = 4;
  EXPECT_FALSE(SameBytes(*first, *Train(other)));
}

TEST_F(SuperPointTrainer, GoesOnFromWeightsOnAGpuWithPicturesMadeThere) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "this machine has no CUDA device";
  SuperPointTrainingOptions options = Options("gpu");
  options.loop.device = "cuda";
  options.images_on_device = true;
  options.data.labels = LabelSource::kRepeatedPeaks;
  Recorder recorder;
  const SuperPoint network = TrainSuperPoint(Photos(), options, Train(Options("cpu")), recorder.Hooks());
  EXPECT_EQ(recorder.Losses().size(), 6u);
  EXPECT_TRUE(network->parameters().front().is_cpu());
}

TEST_F(SuperPointTrainer, ItsFirstLossesAreThese) {
  SuperPointTrainingOptions options = Options("run");
  options.loss.near_negatives = 0;
  options.loop.schedule.learning_rate = 1e-3;  // large steps would magnify what rounding differs elsewhere
  Recorder recorder;
  TrainSuperPoint(Photos(), options, nullptr, recorder.Hooks());
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
  EXPECT_TRUE(SameBytes(*TrainSuperPoint(Photos(), with, nullptr, recorder.Hooks()), *Train(without)));
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
  EXPECT_TRUE(SameBytes(*TrainSuperPoint(photos, options, nullptr, {}), *expected));
}

TEST_F(SuperPointTrainer, ResumingWithAnotherArchitectureIsRefused) {
  Train(Options("run"));
  SuperPointTrainingOptions other = Options("run", /*resume=*/true);
  other.architecture.descriptor_dim = 16;
  EXPECT_THROW(Train(other), EnvironmentError);
}

// The first batch, computed with the initial network itself; batch normalisation is inserted so that it gives
// the same.
TEST_F(SuperPointTrainer, StartsWithTheFunctionOfTheInitialNetwork) {
  SuperPoint initial = Train(Options("initial"));
  SuperPointTrainingOptions same = Options("same"), wider = Options("wider"), plain = Options("plain");
  wider.architecture.encoder_widths = {8, 4, 12, 16};
  wider.architecture.head_width = 12;
  plain.architecture.batch_norm = false;
  const auto batch = MakeSuperPointBatch(Photos(), PhotoSampler(Photos()), same.data, 0, /*difficulty=*/0.5);
  torch::NoGradGuard no_grad;
  const double expected =
      ComputeSuperPointLoss(initial->forward(batch.images), batch, same.loss).total.item<double>();
  for (const SuperPointTrainingOptions& options : {same, wider, plain}) {
    Recorder recorder(/*stop_at_step=*/1);
    {
      torch::AutoGradMode grad(true);
      TrainSuperPoint(Photos(), options, initial, recorder.Hooks());
    }
    ASSERT_EQ(recorder.Losses().size(), 1u);
    EXPECT_NEAR(recorder.Losses()[0], expected, 1e-3) << options.loop.run_folder;
  }
  Recorder fresh(/*stop_at_step=*/1);
  torch::AutoGradMode grad(true);
  TrainSuperPoint(Photos(), Options("fresh"), nullptr, fresh.Hooks());
  EXPECT_GT(std::abs(fresh.Losses()[0] - expected), 0.1) << "else the test would say nothing";
}

TEST_F(SuperPointTrainer, GivesTheInitialNetworkTheWidthsAndTheFormThatAreAskedFor) {
  SuperPointTrainingOptions options = Options("wider");
  options.architecture.encoder_widths = {8, 4, 12, 16};
  const SuperPoint initial = Train(Options("initial")),
                   found = TrainSuperPoint(Photos(), options, initial, {});
  EXPECT_EQ(found->architecture().encoder_widths, options.architecture.encoder_widths);
  SuperPoint trained(options.architecture);
  torch::optim::AdamW optimizer(trained->parameters(), torch::optim::AdamWOptions());
  EXPECT_NO_THROW(LoadCheckpoint(options.loop.run_folder + "/checkpoint.pt", *trained, optimizer))
      << "with batch normalisation";
}

TEST_F(SuperPointTrainer, LeavesTheInitialNetworkAsItWas) {
  SuperPoint initial = Train(Options("initial"));
  SuperPoint before = FoldBatchNorm(initial);
  const SuperPoint after = TrainSuperPoint(Photos(), Options("next"), initial, {});
  EXPECT_TRUE(SameBytes(*initial, *before));
  EXPECT_FALSE(SameBytes(*after, *before));
}

TEST_F(SuperPointTrainer, AnInitialNetworkThatDoesNotFitIsRefused) {
  const SuperPoint initial = Train(Options("initial"));
  SuperPointTrainingOptions narrower = Options("narrower"), other_descriptor = Options("descriptor");
  narrower.architecture.encoder_widths[2] = 7;
  other_descriptor.architecture.descriptor_dim = 16;
  EXPECT_THROW(TrainSuperPoint(Photos(), narrower, initial, {}), WeightsError);
  EXPECT_THROW(TrainSuperPoint(Photos(), other_descriptor, initial, {}), WeightsError);
}

TEST_F(SuperPointTrainer, NoPhotosAreAnInputError) {
  EXPECT_THROW(TrainSuperPoint({}, Options("run"), nullptr, {}), InputError);
}

// Photos with a teacher's unit vectors of eight numbers at their labels.
std::vector<ShardPhoto> Taught(std::vector<ShardPhoto> photos, int dim = 8) {
  constexpr uint16_t kOne = 0x3C00;
  for (ShardPhoto& photo : photos) {
    DescriptorTargets targets{photo.name, photo.width, photo.height, dim, photo.labels, {}};
    targets.descriptors.assign(photo.labels.size() * static_cast<size_t>(dim), 0);
    for (size_t i = 0; i < photo.labels.size(); ++i) targets.descriptors[i * dim + i % dim] = kOne;
    photo.targets = std::make_shared<const DescriptorTargets>(targets);
  }
  return photos;
}

TEST_F(SuperPointTrainer, LearnsATeachersDescriptors) {
  SuperPointTrainingOptions options = Options("taught");
  options.loop.schedule.num_steps = 60;
  options.loss.target_weight = 10;
  Recorder recorder;
  TrainSuperPoint(Taught(Photos()), options, nullptr, recorder.Hooks());
  const auto cosine = [&](size_t first) {
    double sum = 0;
    for (size_t i = first; i < first + 10; ++i) sum += recorder.reports[i].metrics.at("target_cosine") / 10;
    return sum;
  };
  EXPECT_GT(cosine(50), cosine(0) + 0.05);
}

TEST_F(SuperPointTrainer, FitsTheInitialDescriptorsToATeachersAndLeavesTheCallersAlone) {
  SuperPoint initial = Train(Options("initial"));
  const auto before = initial->named_parameters()["convDb.weight"].clone();
  const auto first_cosine = [&](const std::string& run, const SuperPoint& start) {
    SuperPointTrainingOptions options = Options(run);
    options.loop.schedule.num_steps = 1;
    Recorder recorder;
    TrainSuperPoint(Taught(Photos()), options, start, recorder.Hooks());
    return recorder.reports.front().metrics.at("target_cosine");
  };
  EXPECT_GT(first_cosine("fitted", initial), first_cosine("fresh", SuperPoint(nullptr)) + 0.05);
  EXPECT_TRUE(SameBytes(initial->named_parameters()["convDb.weight"], before));
}

TEST_F(SuperPointTrainer, TargetsOfAnotherSizeAreAnInputError) {
  EXPECT_THROW(TrainSuperPoint(Taught(Photos(), 16), Options("other"), nullptr, TrainHooks{}), InputError);
}

}  // namespace
}  // namespace colmatch
