// Tests of SuperGlue's training on made-up features: exact resume, determinism, its first losses, what is
// refused.
#include "training/loop/superglue_trainer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "tests/temporary_folder.h"
#include "tests/training/training_test_util.h"
#include "training/compression/pruning.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr int64_t kDim = 8, kKeypoints = 24;

// Random places of each photo seen by every view through its own homography, descriptors with noise.
FeatureSet RandomFeatures(int64_t photos, int views) {
  torch::manual_seed(11);
  FeatureSet set;
  set.views_per_group = views;
  set.view_width = 160;
  set.view_height = 120;
  std::vector<torch::Tensor> keypoints, descriptors, planes;
  for (int64_t photo = 0; photo < photos; ++photo) {
    const auto places = torch::rand({kKeypoints, 2}) * torch::tensor({200.f, 150.f});
    const auto looks = torch::randn({kDim, kKeypoints});
    for (int view = 0; view < views; ++view) {
      Rng rng(1, static_cast<uint64_t>(photo), static_cast<uint64_t>(view));
      const auto corners = SampleQuadrilateral(200, 150, HomographyOptions{0.3, 20, 1, 0.05}, rng);
      const Homography photo_from_view = HomographyFromCorners(ImageCorners(160, 120), corners);
      keypoints.push_back(WarpPoints(places, photo_from_view.Inverse()));
      const auto noisy = looks + 0.3 * torch::randn_like(looks);
      descriptors.push_back((noisy / noisy.norm(2, 0)).to(torch::kHalf));
      const Homography view_from_photo = photo_from_view.Inverse();
      std::vector<double> plane(view_from_photo.m.begin(), view_from_photo.m.end());
      plane.insert(plane.end(), {0, 0, 200, 150});
      planes.push_back(torch::tensor(plane, torch::kDouble).unsqueeze(0));
    }
  }
  set.keypoints = torch::stack(keypoints);
  set.scores = torch::rand({photos * views, kKeypoints});
  set.descriptors = torch::stack(descriptors);
  set.planes = torch::stack(planes);
  return set;
}

class SuperGlueTrainer : public testing::Test {
 protected:
  void SetUp() override { torch::set_num_threads(1); }

  SuperGlueTrainingOptions Options(const std::string& run, bool resume = false) const {
    SuperGlueTrainingOptions options;
    options.architecture = {kDim, {8}, 2};
    options.loop = TinySuperPointTraining((folder_.path() / run).string(), resume).loop;
    options.batch_size = 2;
    options.min_keypoints = 16;
    options.max_keypoints = kKeypoints;
    options.seed = 3;
    return options;
  }
  SuperGlue Train(const SuperGlueTrainingOptions& options) const {
    return TrainSuperGlue(features_, options, SuperGlue{nullptr}, {});
  }

  TemporaryFolder folder_;
  const FeatureSet features_ = RandomFeatures(6, 3);
};

// Rounding grows from step to step, so only the first losses are near.
TEST_F(SuperGlueTrainer, StartsOnAGpuAsOnTheCpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "this machine has no CUDA device";
  Recorder on_cpu, on_gpu;
  TrainSuperGlue(features_, Options("cpu"), SuperGlue{nullptr}, on_cpu.Hooks());
  SuperGlueTrainingOptions options = Options("gpu");
  options.loop.device = "cuda";
  options.loop.num_workers = 4;
  TrainSuperGlue(features_, options, SuperGlue{nullptr}, on_gpu.Hooks());
  ASSERT_EQ(on_gpu.Losses().size(), on_cpu.Losses().size());
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(on_gpu.Losses()[i], on_cpu.Losses()[i], 1e-3) << i;
}

TEST_F(SuperGlueTrainer, WorkersAheadChangeNoByte) {
  SuperGlueTrainingOptions options = Options("one");
  const SuperGlue one = Train(options);
  options = Options("four");
  options.loop.num_workers = 4;
  EXPECT_TRUE(SameBytes(*one, *Train(options)));
}

TEST_F(SuperGlueTrainer, ThreeStepsAndThreeMoreAreSixByteForByte) {
  Recorder whole, first(3), second;
  const SuperGlue unbroken =
      TrainSuperGlue(features_, Options("unbroken"), SuperGlue{nullptr}, whole.Hooks());
  TrainSuperGlue(features_, Options("broken"), SuperGlue{nullptr}, first.Hooks());
  EXPECT_EQ(first.Losses().size(), 3u);
  const SuperGlue resumed =
      TrainSuperGlue(features_, Options("broken", /*resume=*/true), SuperGlue{nullptr}, second.Hooks());
  EXPECT_TRUE(SameBytes(*resumed, *unbroken));
  const std::vector<double> losses = whole.Losses();
  ASSERT_EQ(losses.size(), 6u);
  EXPECT_EQ(second.Losses(), std::vector<double>(losses.begin() + 3, losses.end()));
}

TEST_F(SuperGlueTrainer, TheSameSeedGivesTheSameNetworkAndAnotherSeedAnother) {
  const SuperGlue first = Train(Options("a")), second = Train(Options("b"));
  EXPECT_TRUE(SameBytes(*first, *second));
  SuperGlueTrainingOptions other = Options("c");
  other.seed = 4;
  EXPECT_FALSE(SameBytes(*first, *Train(other)));
}

TEST_F(SuperGlueTrainer, ItsFirstLossesAreThese) {
  SuperGlueTrainingOptions options = Options("run");
  options.augmentation = 0;
  options.loop.schedule.learning_rate = 1e-3;  // large steps would magnify what rounding differs elsewhere
  Recorder recorder;
  TrainSuperGlue(features_, options, SuperGlue{nullptr}, recorder.Hooks());
  const std::vector<double> expected = {0.29837, 0.35333, 0.27033, 0.39124, 0.39452};
  ASSERT_EQ(recorder.Losses().size(), 6u);
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(recorder.Losses()[i], expected[i], 1e-3) << "step " << i;
}

TEST_F(SuperGlueTrainer, AugmentationMovesTrainingsKeypointsButNotTheHeldOutOnes) {
  const auto losses = [&](double augmentation, const std::string& run) {
    SuperGlueTrainingOptions options = Options(run);
    options.augmentation = augmentation;
    options.loop.validate_every = 1;
    options.loop.schedule.learning_rate = 1e-12;  // the network stays, so only the data differ
    Recorder recorder;
    // A network that looks at positions; a fresh one does not.
    torch::manual_seed(1);
    SuperGlue initial(options.architecture);
    TrainSuperGlue(features_, options, initial, recorder.Hooks());
    return std::pair(recorder.reports[0].metrics.at("loss"), recorder.reports[1].metrics.at("loss"));
  };
  const auto without = losses(0, "without"), with = losses(1, "with");
  const double trained = std::abs(with.first - without.first),
               held_out = std::abs(with.second - without.second);
  EXPECT_GT(trained, 1e-4);
  EXPECT_LT(held_out, 0.1 * trained) << "only through the running statistics of batch normalisation";
}

// Pruned and clustered weights: fine-tuning follows a teacher, and what is written is as constrained; killed
// and resumed it is the same.
TEST_F(SuperGlueTrainer, ConstraintsHoldThroughFineTuningAndResume) {
  SuperGlueTrainingOptions options = Options("unbroken");
  torch::manual_seed(2);
  SuperGlue dense(options.architecture);
  SuperGlue initial = FoldBatchNorm(dense);
  const std::string pruned = "gnn.layers.0.mlp.0.weight", clustered = "final_proj.weight";
  const auto start = initial->named_parameters();
  options.constraint.Mask(pruned, MagnitudeMask(start[pruned], 0.5));
  options.constraint.Cluster(clustered, start[clustered], 2);
  options.teacher = dense;
  Recorder recorder, first(3);
  const SuperGlue tuned = TrainSuperGlue(features_, options, FoldBatchNorm(dense), recorder.Hooks());
  const auto parameters = tuned->named_parameters();
  EXPECT_EQ((parameters[pruned] == 0).sum().item<int64_t>(), parameters[pruned].numel() / 2);
  EXPECT_EQ(std::get<0>(torch::_unique(parameters[clustered].detach())).numel(), 4);
  EXPECT_GT((parameters[pruned] - start[pruned]).abs().max().item<float>(), 1e-4f) << "it learned";

  options.loop = Options("broken").loop;
  TrainSuperGlue(features_, options, FoldBatchNorm(dense), first.Hooks());
  options.loop.resume = true;
  Recorder second;
  EXPECT_TRUE(SameBytes(*TrainSuperGlue(features_, options, FoldBatchNorm(dense), second.Hooks()), *tuned));
}

TEST_F(SuperGlueTrainer, ValidationDoesNotDisturbTheTraining) {
  SuperGlueTrainingOptions with = Options("with");
  with.loop.validate_every = 3;
  with.validation_pairs = 4;
  Recorder recorder;
  const SuperGlue network = TrainSuperGlue(features_, with, SuperGlue{nullptr}, recorder.Hooks());
  EXPECT_TRUE(SameBytes(*network, *Train(Options("without"))));
  ASSERT_EQ(recorder.reports.size(), 8u);
  const auto& metrics = recorder.reports[3].metrics;
  EXPECT_TRUE(recorder.reports[3].validation);
  for (const char* name : {"precision", "recall", "mutual_precision", "mutual_recall"}) {
    EXPECT_GT(metrics.at(name), 0.5)
        << name;  // the features are easy, and training starts at nearest neighbours
    EXPECT_LE(metrics.at(name), 1) << name;
  }
  EXPECT_GT(metrics.at("loss"), 0);
}

// The same photos as SuperPoint holds out of the same shards (split.h), not some at the end.
TEST_F(SuperGlueTrainer, HeldOutPhotosAreNeverTrainedOn) {
  SuperGlueTrainingOptions options = Options("run"), other = Options("other");
  options.validation_share = other.validation_share = 0.5;
  const SuperGlue expected = Train(options);
  FeatureSet changed = features_;
  changed.descriptors = features_.descriptors.clone();
  for (const int64_t photo : {1, 3, 5}) changed.descriptors.narrow(0, 3 * photo, 3).zero_();
  EXPECT_TRUE(SameBytes(*TrainSuperGlue(changed, other, SuperGlue{nullptr}, {}), *expected));
}

TEST_F(SuperGlueTrainer, ValidatesOnTheHeldOutPhotosAlone) {
  const auto validation_loss = [&](const FeatureSet& features, const std::string& run) {
    SuperGlueTrainingOptions options = Options(run);
    options.validation_share = 0.5;
    options.validation_pairs = 4;
    options.loop.validate_every = 1;
    options.loop.schedule.learning_rate = 0;  // what is trained on would show through the network otherwise
    Recorder recorder;
    TrainSuperGlue(features, options, SuperGlue{nullptr}, recorder.Hooks());
    return recorder.reports[1].metrics.at("loss");
  };
  FeatureSet others = features_, held_out = features_;
  others.descriptors = features_.descriptors.clone();
  held_out.descriptors = features_.descriptors.clone();
  for (const int64_t photo : {0, 2, 4}) others.descriptors.narrow(0, 3 * photo, 3).zero_();
  for (const int64_t photo : {1, 3, 5}) held_out.descriptors.narrow(0, 3 * photo, 3).zero_();
  EXPECT_EQ(validation_loss(features_, "same"), validation_loss(others, "others"));
  EXPECT_NE(validation_loss(features_, "again"), validation_loss(held_out, "held out"));
}

TEST_F(SuperGlueTrainer, GoesOnFromGivenWeights) {
  SuperGlueTrainingOptions options = Options("tuned");
  options.loop.schedule.learning_rate = 0;
  SuperGlue initial(options.architecture);
  initial->InitializeAsNearestNeighbor(5);
  std::vector<torch::Tensor> before;
  for (const auto& parameter : initial->parameters()) before.push_back(parameter.clone());
  const SuperGlue tuned = TrainSuperGlue(features_, options, initial, {});
  for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(SameBytes(tuned->parameters()[i], before[i])) << i;
}

TEST_F(SuperGlueTrainer, CalibrationRaisesTheDustbinAndNothingElse) {
  SuperGlueTrainingOptions options = Options("as trained");
  options.loop.schedule.num_steps = 1;
  SuperGlue trained = Train(options);
  options.loop.run_folder = (folder_.path() / "calibrated").string();
  options.calibration_recall =
      0.5;  // of mutual nearest neighbours' recall: easily kept, so the dustbin rises
  SuperGlue calibrated = Train(options);
  EXPECT_GT(calibrated->bin_score.item<float>(), trained->bin_score.item<float>());
  {
    torch::NoGradGuard no_grad;
    calibrated->bin_score.copy_(trained->bin_score);
  }
  EXPECT_TRUE(SameBytes(*calibrated, *trained));

  options.loop.run_folder = (folder_.path() / "out of reach").string();
  options.calibration_recall = 100;
  EXPECT_TRUE(SameBytes(*Train(options), *trained)) << "a recall nothing reaches moves nothing";
}

TEST_F(SuperGlueTrainer, PairsOfTwoPhotosTeachItThatThereMayBeNothingToMatch) {
  const auto false_share = [&](const std::string& run, double negative_share) {
    SuperGlueTrainingOptions options = Options(run);
    options.validation_share = 0.5;
    options.validation_pairs = 4;
    options.negative_share = negative_share;
    options.loop.schedule.learning_rate = 1e-2;
    options.loop.schedule.num_steps = options.loop.validate_every = 20;
    Recorder recorder;
    TrainSuperGlue(features_, options, SuperGlue{nullptr}, recorder.Hooks());
    return recorder.reports.back().metrics.at("false_share");
  };
  const double taught = false_share("taught", 1), untaught = false_share("untaught", 0);
  EXPECT_GT(untaught, 0.05) << "nearest neighbours find something everywhere";
  EXPECT_LT(taught, untaught / 2);
}

TEST_F(SuperGlueTrainer, AShareOfPairsOutsideZeroToOneIsAUsageError) {
  for (const double share : {-0.1, 1.1, std::nan("")}) {
    SuperGlueTrainingOptions options = Options("run");
    options.negative_share = share;
    EXPECT_THROW(Train(options), UsageError) << share;
  }
}

TEST_F(SuperGlueTrainer, TooFewPhotosOrViewsAreAnInputError) {
  EXPECT_THROW(TrainSuperGlue(RandomFeatures(1, 3), Options("one photo"), SuperGlue{nullptr}, {}),
               InputError);
  EXPECT_THROW(TrainSuperGlue(RandomFeatures(6, 1), Options("one view"), SuperGlue{nullptr}, {}), InputError);
}

TEST_F(SuperGlueTrainer, FewerKeypointsAtMostThanAtLeastIsAUsageError) {
  SuperGlueTrainingOptions options = Options("run");
  options.min_keypoints = 20;
  options.max_keypoints = 10;
  EXPECT_THROW(Train(options), UsageError);
}

TEST_F(SuperGlueTrainer, KeypointCountsAboveWhatTheFeaturesHaveMeanAllOfThem) {
  SuperGlueTrainingOptions options = Options("run"), all = Options("all");
  options.min_keypoints = options.max_keypoints = 1000;
  all.min_keypoints = all.max_keypoints = kKeypoints;
  EXPECT_TRUE(SameBytes(*Train(options), *Train(all)));
}

}  // namespace
}  // namespace colmatch
