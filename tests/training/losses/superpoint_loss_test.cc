// Tests of SuperPoint's losses: perfect and wrong descriptors, what must not matter, gradients, and that they
// fall.
#include "training/losses/superpoint_loss.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

constexpr int64_t kCells = 4;  // a side: pictures of 32 x 32 pixels
constexpr int64_t kPoints = kCells * kCells;

// One point at each place where a cell's own descriptor is sampled (SampleDescriptors: 3.5 to the last
// pixel).
torch::Tensor PointsAtCells() {
  const double spacing = (8 * kCells - 1 - 3.5) / (kCells - 1);
  auto points = torch::empty({1, kPoints, 2});
  for (int64_t i = 0; i < kPoints; ++i) {
    points[0][i][0] = 3.5 + spacing * static_cast<double>(i % kCells);
    points[0][i][1] = 3.5 + spacing * static_cast<double>(i / kCells);
  }
  return points;
}

// One pair, the same points in both views, no keypoint anywhere.
SuperPointBatch Batch() {
  SuperPointBatch batch;
  batch.images = torch::rand({2, 1, 8 * kCells, 8 * kCells});
  batch.cell_labels = torch::full({2, kCells, kCells}, 64, torch::kLong);
  batch.points_a = PointsAtCells();
  batch.points_b = PointsAtCells();
  batch.valid = torch::ones({1, kPoints}, torch::kBool);
  return batch;
}

// Every cell's descriptor is orthogonal to all others; in view B shifted by so many cells.
SuperPointOutput OneHot(int64_t shift) {
  const auto a = torch::eye(kPoints), b = a.roll(shift, 0);
  SuperPointOutput output;
  output.logits = torch::zeros({2, 65, kCells, kCells});
  output.descriptors = torch::stack({a, b}).transpose(1, 2).reshape({2, kPoints, kCells, kCells});
  return output;
}

// Without the places beside each point: the made-up descriptors change from cell to cell only.
SuperPointLossOptions OthersOnly() {
  SuperPointLossOptions options;
  options.near_negatives = 0;
  return options;
}

// What descriptors cost and get right that turn by so many radians a pixel, along x and along y.
SuperPointLoss LossOfTurningDescriptors(double radians) {
  const auto angle = (torch::arange(kCells) * 8 + 3.5) * radians;
  const auto along_x = angle.view({1, kCells}).expand({kCells, kCells}), along_y = along_x.t();
  const auto field =
      torch::stack({along_x.cos(), along_x.sin(), along_y.cos(), along_y.sin()}) / std::sqrt(2.0);
  SuperPointOutput output = OneHot(0);
  output.descriptors = torch::stack({field, field});
  output.sampling = DescriptorSampling::kCellCentres;
  SuperPointBatch batch = Batch();
  batch.points_a = batch.points_b = torch::tensor({{{16.f, 16.f}}});
  batch.valid = torch::ones({1, 1}, torch::kBool);
  return ComputeSuperPointLoss(output, batch, {});
}

TEST(SuperPointLoss, DescriptorsThatDoNotTellAPointFromPlacesBesideItCost) {
  EXPECT_NEAR(LossOfTurningDescriptors(0).descriptor, std::log(5.0), 1e-5)
      << "the true place and four beside";
  EXPECT_EQ(LossOfTurningDescriptors(0).near_accuracy, 0);
  const SuperPointLoss sharp = LossOfTurningDescriptors(0.15);
  EXPECT_LT(sharp.descriptor, 0.7 * std::log(5.0));
  EXPECT_EQ(sharp.near_accuracy, 1);
}

TEST(SuperPointLoss, PerfectDescriptorsAreAllRightAndCostNothing) {
  const SuperPointLoss loss = ComputeSuperPointLoss(OneHot(0), Batch(), OthersOnly());
  EXPECT_EQ(loss.accuracy, 1);
  EXPECT_NEAR(loss.descriptor, 0, 1e-4);
}

TEST(SuperPointLoss, DescriptorsOfOtherPlacesAreAllWrongAndCostTheirMargin) {
  const SuperPointLoss loss = ComputeSuperPointLoss(OneHot(1), Batch(), OthersOnly());
  EXPECT_EQ(loss.accuracy, 0);
  EXPECT_NEAR(loss.descriptor, 1 / 0.05, 1e-3) << "the similarity of 1, over the temperature";
}

TEST(SuperPointLoss, UndecidedLogitsCostTheLogOf65Classes) {
  EXPECT_NEAR(ComputeSuperPointLoss(OneHot(0), Batch(), OthersOnly()).detector, std::log(65.0), 1e-5);
}

TEST(SuperPointLoss, RightLogitsCostNothingAndWrongOnesTheirMargin) {
  SuperPointOutput output = OneHot(0);
  output.logits.select(1, 64).fill_(30);
  EXPECT_NEAR(ComputeSuperPointLoss(output, Batch(), OthersOnly()).detector, 0, 1e-5);
  output.logits.select(1, 64).fill_(0);
  output.logits.select(1, 5).fill_(30);
  EXPECT_NEAR(ComputeSuperPointLoss(output, Batch(), OthersOnly()).detector, 30, 1e-4);
}

TEST(SuperPointLoss, TheTotalIsTheWeightedSum) {
  SuperPointLossOptions options = OthersOnly();
  options.detector_weight = 2;
  options.descriptor_weight = 0.5;
  const SuperPointLoss loss = ComputeSuperPointLoss(OneHot(1), Batch(), options);
  EXPECT_NEAR(loss.total.item<double>(), 2 * loss.detector + 0.5 * loss.descriptor, 1e-4);
}

TEST(SuperPointLoss, PaddingHasNoInfluence) {
  SuperPointOutput output = OneHot(0);
  output.descriptors = torch::randn_like(output.descriptors);
  SuperPointBatch whole = Batch(), padded = Batch();
  whole.points_a = whole.points_a.narrow(1, 0, 10);
  whole.points_b = whole.points_b.narrow(1, 0, 10) + 0.5;
  whole.valid = whole.valid.narrow(1, 0, 10);
  const auto rubbish = torch::rand({1, 6, 2}) * 30;
  padded.points_a = torch::cat({whole.points_a, rubbish}, 1);
  padded.points_b = torch::cat({whole.points_b, rubbish.flip(1)}, 1);
  padded.valid = torch::arange(16).lt(10).unsqueeze(0);
  std::vector<torch::Tensor> gradients;
  std::vector<SuperPointLoss> losses;
  for (const SuperPointBatch& batch : {whole, padded}) {
    SuperPointOutput leaf = output;
    leaf.descriptors = output.descriptors.clone().requires_grad_(true);
    losses.push_back(ComputeSuperPointLoss(leaf, batch, {}));
    losses.back().total.backward();
    gradients.push_back(leaf.descriptors.grad());
  }
  EXPECT_NEAR(losses[0].descriptor, losses[1].descriptor, 1e-5);
  EXPECT_NEAR(losses[0].accuracy, losses[1].accuracy, 1e-6);
  EXPECT_TRUE(TensorsNear(gradients[0], gradients[1], 1e-5));
}

TEST(SuperPointLoss, ABatchWithoutAnyValidPointIsFinite) {
  SuperPointBatch batch = Batch();
  batch.valid.fill_(false);
  const SuperPointLoss loss = ComputeSuperPointLoss(OneHot(1), batch, OthersOnly());
  EXPECT_EQ(loss.descriptor, 0);
  EXPECT_EQ(loss.accuracy, 0);
  EXPECT_NEAR(loss.total.item<double>(), std::log(65.0), 1e-5);
}

TEST(SuperPointLoss, PointsBesideTheTrueOneAreNeitherRightNorWrong) {
  SuperPointOutput output = OneHot(0);
  output.descriptors = torch::ones_like(output.descriptors);  // every place looks the same
  SuperPointBatch batch = Batch();
  batch.points_a = batch.points_b = torch::tensor({{{10.f, 10.f}, {13.f, 10.f}}});
  batch.valid = torch::ones({1, 2}, torch::kBool);
  SuperPointLossOptions options = OthersOnly();
  options.ignore_radius_px = 4;
  EXPECT_NEAR(ComputeSuperPointLoss(output, batch, options).descriptor, 0, 1e-5);
  options.ignore_radius_px = 2;
  EXPECT_NEAR(ComputeSuperPointLoss(output, batch, options).descriptor, std::log(2.0), 1e-5);
}

TEST(SuperPointLoss, TheSamePlaceInAnotherPhotoOfTheBatchIsWrong) {
  SuperPointBatch batch = Batch();
  batch.cell_labels = batch.cell_labels.repeat({2, 1, 1});
  batch.points_a = batch.points_b = torch::full({2, 1, 2}, 10.0f);
  batch.valid = torch::ones({2, 1}, torch::kBool);
  SuperPointOutput output;
  output.logits = torch::zeros({4, 65, kCells, kCells});
  output.descriptors = torch::ones({4, 8, kCells, kCells});
  EXPECT_NEAR(ComputeSuperPointLoss(output, batch, OthersOnly()).descriptor, std::log(2.0), 1e-5);
}

TEST(SuperPointLoss, GradientIsTheDerivativeInDouble) {
  SuperPointBatch batch = Batch();
  batch.cell_labels = torch::randint(0, 65, {2, kCells, kCells}, torch::kLong);
  batch.points_a = torch::rand({1, kPoints, 2}, torch::kDouble) * 31;
  batch.points_b = torch::rand({1, kPoints, 2}, torch::kDouble) * 31;
  SuperPointOutput output;
  output.logits = torch::randn({2, 65, kCells, kCells}, torch::kDouble).requires_grad_(true);
  output.descriptors = torch::randn({2, 6, kCells, kCells}, torch::kDouble).requires_grad_(true);
  ComputeSuperPointLoss(output, batch, OthersOnly()).total.backward();
  torch::NoGradGuard no_grad;
  for (int trial = 0; trial < 5; ++trial) {
    const auto along0 = torch::randn_like(output.logits), along1 = torch::randn_like(output.descriptors);
    const auto at = [&](double t) {
      const SuperPointOutput moved{output.logits + t * along0, output.descriptors + t * along1};
      return ComputeSuperPointLoss(moved, batch, OthersOnly()).total.item<double>();
    };
    const double difference = (at(1e-6) - at(-1e-6)) / 2e-6;
    const double derivative = (output.logits.grad() * along0).sum().item<double>() +
                              (output.descriptors.grad() * along1).sum().item<double>();
    EXPECT_NEAR(derivative, difference, 1e-5 * (1 + std::abs(difference))) << "trial " << trial;
  }
}

TEST(SuperPointLoss, FallsUnderStepsOnOneBatch) {
  SuperPointArchitecture architecture{{4, 4, 8, 8}, 8, 8, true};
  SuperPoint network(architecture);
  const SuperPointBatch batch = Batch();
  torch::optim::SGD optimizer(network->parameters(), torch::optim::SGDOptions(0.05));
  std::vector<double> losses;
  for (int step = 0; step < 8; ++step) {
    optimizer.zero_grad();
    const SuperPointLoss loss = ComputeSuperPointLoss(network->forward(batch.images), batch, OthersOnly());
    losses.push_back(loss.total.item<double>());
    loss.total.backward();
    optimizer.step();
  }
  EXPECT_LT(losses.back(), 0.9 * losses.front());
}

TEST(SuperPointLoss, IgnoredCellsHaveNoInfluence) {
  SuperPointOutput output = OneHot(0);
  SuperPointBatch batch = Batch();
  batch.cell_labels[0][1][2] = batch.cell_labels[1][0][0] = kIgnoredCell;
  const double before = ComputeSuperPointLoss(output, batch, OthersOnly()).detector;
  output.logits[0].select(1, 1).select(1, 2).copy_(torch::randn({65}) * 10);
  EXPECT_EQ(ComputeSuperPointLoss(output, batch, OthersOnly()).detector, before);
  output.logits[0].select(1, 1).select(1, 1).copy_(torch::randn({65}) * 10);
  EXPECT_NE(ComputeSuperPointLoss(output, batch, OthersOnly()).detector, before);
}

TEST(SuperPointLoss, OfABatchWhoseCellsAreAllIgnoredTheDetectorCostsNothing) {
  SuperPointBatch batch = Batch();
  batch.cell_labels.fill_(kIgnoredCell);
  EXPECT_EQ(ComputeSuperPointLoss(OneHot(0), batch, OthersOnly()).detector, 0);
}

TEST(TargetLoss, TheTeachersOwnDescriptorsCostLeastAndAreAllRight) {
  torch::manual_seed(2);
  const auto unit = torch::nn::functional::normalize(torch::randn({12, 16}),
                                                     torch::nn::functional::NormalizeFuncOptions().dim(1));
  const TargetLoss own = ComputeTargetLoss(torch::stack({unit, unit}), unit, 0.05);
  EXPECT_NEAR(own.cosine, 1, 1e-6);
  EXPECT_EQ(own.accuracy, 1);
  const TargetLoss others = ComputeTargetLoss(torch::stack({unit, unit.roll(1, 0)}), unit, 0.05);
  EXPECT_EQ(others.accuracy, 0.5);
  EXPECT_LT(others.cosine, 0.7);
  EXPECT_GT(others.total.item<double>(), own.total.item<double>() + 1);
}

TEST(TargetLoss, PlacesThatTheTeacherConfusesAreNoError) {
  const auto eye = torch::eye(4);
  const auto targets = torch::stack({eye[0], eye[0], eye[1]});  // two places, one descriptor
  const auto loss = [&](const torch::Tensor& found) {
    return ComputeTargetLoss(torch::stack({found, found}), targets, 0.05).total.item<double>();
  };
  // The contrast of equal descriptors is the teacher's own uncertainty: ln 2 for two of three points.
  EXPECT_NEAR(loss(targets), 2.0 / 3 * std::log(2.0), 1e-4);
}

TEST(TargetLoss, NothingTaughtCostsNothing) {
  const auto descriptors = torch::zeros({2, 0, 8}, torch::requires_grad());
  const TargetLoss loss = ComputeTargetLoss(descriptors, torch::zeros({0, 8}), 0.05);
  EXPECT_EQ(loss.total.item<double>(), 0);
  loss.total.backward();
}

TEST(SuperPointLoss, ATeachersDescriptorsCountByTheirWeightAndOnlyWhereTheyAreTaught) {
  SuperPointBatch batch = Batch();
  batch.targets = torch::eye(kPoints).unsqueeze(0).clone();
  batch.taught = torch::ones({1, kPoints}, torch::kBool);
  batch.taught[0][3] = false;
  batch.targets[0][3] = 0;
  SuperPointLossOptions options = OthersOnly();
  const SuperPointLoss with = ComputeSuperPointLoss(OneHot(0), batch, options);
  EXPECT_NEAR(with.target_cosine, 1, 1e-5);
  EXPECT_EQ(with.target_accuracy, 1);
  const SuperPointLoss shifted = ComputeSuperPointLoss(OneHot(1), batch, options);
  EXPECT_NEAR(shifted.target_cosine, 0.5, 1e-5);  // view A is right, view B is another's
  options.target_weight = 0;
  const SuperPointLoss without = ComputeSuperPointLoss(OneHot(1), batch, options);
  EXPECT_EQ(without.target_cosine, 0);
  EXPECT_GT(shifted.total.item<double>(), without.total.item<double>() + 1);
}

}  // namespace
}  // namespace colmatch
