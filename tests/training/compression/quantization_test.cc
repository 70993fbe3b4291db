// Tests of quantization: bounds of the errors, what is exact, and constraints that hold through training.
#include "training/compression/quantization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/network/tensor_near.h"
#include "training/compression/pruning.h"
#include "training/compression/weight_constraint.h"
#include "util/error.h"

namespace colmatch {
namespace {

double SquaredError(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).square().mean().item<double>();
}

TEST(QuantizeLinearly, IsWithinHalfAStepOfEveryWeight) {
  const auto weight = torch::randn({6, 10, 3, 3});
  for (const int bits : {2, 4, 8}) {
    const LinearTensor q = QuantizeLinearly(weight, bits);
    const auto step = torch::tensor(q.scales).view({6, 1, 1, 1});
    EXPECT_TRUE(((ValuesOf(q) - weight).abs() <= 0.5001 * step).all().item<bool>()) << bits;
  }
}

TEST(QuantizeLinearly, KeepsTheLargestOfEachRowAndItsZeros) {
  const auto weight = torch::tensor({{0.0f, -3.0f, 1.0f}, {0.0f, 0.0f, 0.0f}}).view({2, 3, 1});
  const auto values = ValuesOf(QuantizeLinearly(weight, 8));
  EXPECT_FLOAT_EQ(values[0][1][0].item<float>(), -3);
  EXPECT_EQ(values[0][0][0].item<float>(), 0);
  EXPECT_EQ(values[1].abs().sum().item<float>(), 0);
}

TEST(QuantizeLinearly, QuantizingAgainChangesNothing) {
  const auto once = QuantizeLinearly(torch::randn({8, 20, 1}), 5);
  const auto twice = QuantizeLinearly(ValuesOf(once), 5);
  EXPECT_EQ(twice.codes, once.codes);
}

TEST(QuantizeByClusters, FindsValuesThatAreThereExactly) {
  const auto values = torch::tensor({-2.0f, 0.5f, 1.0f, 7.0f});
  const auto weight = values.index_select(0, torch::randint(0, 4, {200})).view({10, 20, 1});
  EXPECT_TRUE(torch::equal(ValuesOf(QuantizeByClusters(weight, 2)), weight));
}

TEST(QuantizeByClusters, IsBetterThanEvenStepsAndImprovesWithBits) {
  const auto weight = torch::randn({4, 500, 1});
  double before = 1e9;
  for (const int bits : {2, 3, 4, 6}) {
    const double clusters = SquaredError(ValuesOf(QuantizeByClusters(weight, bits)), weight);
    EXPECT_LT(clusters, SquaredError(ValuesOf(QuantizeLinearly(weight, bits)), weight)) << bits;
    EXPECT_LT(clusters, before);
    before = clusters;
  }
}

TEST(QuantizeByClusters, PrunedWeightsStayZero) {
  auto weight = torch::randn({10, 40, 1});
  const auto mask = MagnitudeMask(weight, 0.6);
  weight.mul_(mask);
  const auto values = ValuesOf(QuantizeByClusters(weight, 3));
  EXPECT_EQ((values * (1 - mask)).abs().sum().item<float>(), 0);
}

TEST(QuantizeByClusters, ManyBitsForFewWeightsKeepThemAll) {
  const auto weight = torch::randn({2, 5, 1});
  EXPECT_TRUE(TensorsNear(ValuesOf(QuantizeByClusters(weight, 8)), weight, 1e-7));
}

TEST(Quantization, BitsOutOfRangeAreRefused) {
  EXPECT_THROW(QuantizeLinearly(torch::ones({2, 2}), 1), UsageError);
  EXPECT_THROW(QuantizeLinearly(torch::ones({2, 2}), 9), UsageError);
  EXPECT_THROW(QuantizeByClusters(torch::ones({2, 2}), 0), UsageError);
}

TEST(WeightConstraint, WhatItStoresIsWhatItMadeOfTheNetwork) {
  SuperGlue network(SuperGlueArchitecture{16, {8}, 1});
  auto parameters = network->named_parameters();
  const std::string pruned = "gnn.layers.0.mlp.0.weight", both = "gnn.layers.0.mlp.3.weight",
                    clustered = "final_proj.weight", integers = "gnn.layers.1.mlp.0.weight";
  WeightConstraint constraint;
  constraint.Mask(pruned, MagnitudeMask(parameters[pruned], 0.7));
  constraint.Mask(both, MagnitudeMask(parameters[both], 0.5));
  constraint.Cluster(both, parameters[both], 3);
  constraint.Cluster(clustered, parameters[clustered], 2);
  constraint.Integers(integers, 8);
  {  // training moves the weights
    torch::NoGradGuard no_grad;
    for (auto& item : parameters) item.value().add_(0.01 * torch::randn_like(item.value()));
  }
  constraint.Apply(*network);
  const CodedTensors coded = constraint.Codes(*network);
  EXPECT_THAT(coded.sparse, testing::ElementsAre(pruned));
  EXPECT_TRUE(TensorsNear(ValuesOf(coded.codebook.at(both)), parameters[both], 1e-6));
  EXPECT_TRUE(TensorsNear(ValuesOf(coded.codebook.at(clustered)), parameters[clustered], 1e-6));
  EXPECT_TRUE(TensorsNear(ValuesOf(coded.linear.at(integers)), parameters[integers], 1e-6));
  EXPECT_EQ((parameters[both] == 0).sum().item<int64_t>(), parameters[both].numel() / 2);
  const auto before = parameters[clustered].detach().clone();
  constraint.Apply(*network);
  EXPECT_TRUE(TensorsNear(parameters[clustered], before, 1e-6)) << "applied twice it changes nothing more";
}

TEST(WeightConstraint, WeightsClusteredTogetherKeepOneCodebookThroughTrainingAndTheirZeros) {
  SuperGlue network(SuperGlueArchitecture{16, {8}, 1});
  auto parameters = network->named_parameters();
  const std::string pruned = "gnn.layers.0.mlp.0.weight", large = "final_proj.weight";
  {
    torch::NoGradGuard no_grad;
    parameters[large].mul_(100);
  }
  WeightConstraint constraint;
  constraint.Mask(pruned, MagnitudeMask(parameters[pruned], 0.5));
  constraint.ClusterTogether({{pruned, parameters[pruned]}, {large, parameters[large]}}, 3);
  {  // training moves the weights
    torch::NoGradGuard no_grad;
    for (const std::string& name : {pruned, large})
      parameters[name].mul_(1 + 0.01 * torch::randn_like(parameters[name]));
  }
  constraint.Apply(*network);
  const CodedTensors coded = constraint.Codes(*network);
  const CodebookTensor &a = coded.codebook.at(pruned), &b = coded.codebook.at(large);
  EXPECT_EQ(a.codebook, b.codebook);
  EXPECT_LE(a.codebook.size(), 8u);
  EXPECT_GT(b.scale, 20 * a.scale);
  EXPECT_TRUE(TensorsNear(ValuesOf(a), parameters[pruned], 1e-6));
  EXPECT_TRUE(TensorsNear(ValuesOf(b), parameters[large], 1e-4));
  EXPECT_GE((parameters[pruned] == 0).sum().item<int64_t>(), parameters[pruned].numel() / 2);
}

TEST(WeightConstraint, WeightsThatAreMostlyZeroAnywayAreStoredSparse) {
  SuperGlue network(SuperGlueArchitecture{16, {8}, 1});
  const std::string code = "kenc.encoder.3.weight";
  auto weight = network->named_parameters()[code];
  {
    torch::NoGradGuard no_grad;
    weight.mul_(MagnitudeMask(weight, 0.9));
  }
  EXPECT_THAT(WeightConstraint().Codes(*network).sparse, testing::ElementsAre(code));
}

TEST(WeightConstraint, UnknownWeightsAreRefusedByName) {
  SuperGlue network(SuperGlueArchitecture{16, {8}, 1});
  WeightConstraint constraint;
  constraint.Integers("no.such.weight", 8);
  EXPECT_THROW(constraint.Apply(*network), UsageError);
}

}  // namespace
}  // namespace colmatch
