// SuperGlue: its symmetries, unequal and missing keypoints, and the nearest-neighbour start.
#include "network/superglue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "network/engines/pair_matching.h"
#include "network/keypoint_code.h"
#include "tests/network/random_superglue.h"
#include "tests/network/tensor_near.h"
#include "tests/random_features.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr int kDim = 16;
constexpr double kTolerance = 1e-5;  // a few float32 sums of 32 products in another order

SuperGlueArchitecture Small(int num_layer_pairs = 2) {
  SuperGlueArchitecture architecture;
  architecture.descriptor_dim = kDim;
  architecture.keypoint_encoder = {8, 12};
  architecture.num_layer_pairs = num_layer_pairs;
  return architecture;
}

SuperGlue Network(int num_layer_pairs = 2) {
  SuperGlue network(Small(num_layer_pairs));
  network->eval();
  return network;
}

SuperGlueInput Input(int64_t batch, int64_t n) {
  return {torch::rand({batch, n, 2}) - 0.5, torch::rand({batch, n}),
          torch::nn::functional::normalize(torch::randn({batch, kDim, n}),
                                           torch::nn::functional::NormalizeFuncOptions().dim(1))};
}

SuperGlueInput Row(const SuperGlueInput& input, int64_t row) {
  return {input.keypoints.narrow(0, row, 1), input.scores.narrow(0, row, 1),
          input.descriptors.narrow(0, row, 1)};
}

class SuperGlueTest : public testing::Test {
  torch::NoGradGuard no_grad_;
};

TEST_F(SuperGlueTest, ScoresAreOneRowAndColumnPerKeypoint) {
  SuperGlue network = Network();
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{1, 1}, {1, 6}, {9, 4}, {5, 5}}) {
    const auto scores = network->forward(Input(2, n), Input(2, m));
    EXPECT_EQ(scores.sizes(), (torch::IntArrayRef{2, n, m}));
    EXPECT_TRUE(torch::isfinite(scores).all().item<bool>());
  }
}

TEST_F(SuperGlueTest, BatchEqualsSingle) {
  SuperGlue network = Network();
  for (const int64_t m : {7, 11}) {  // equal counts run both images as one batch, unequal ones do not
    const SuperGlueInput a = Input(3, 7), b = Input(3, m);
    const auto batch = network->forward(a, b);
    for (int64_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(TensorsNear(batch[i], network->forward(Row(a, i), Row(b, i))[0], kTolerance));
    }
  }
}

TEST_F(SuperGlueTest, SwappingTheImagesTransposesTheScores) {
  SuperGlue network = Network();
  for (const int64_t m : {7, 11}) {
    const SuperGlueInput a = Input(1, 7), b = Input(1, m);
    EXPECT_TRUE(TensorsNear(network->forward(a, b), network->forward(b, a).transpose(1, 2), kTolerance));
  }
}

TEST_F(SuperGlueTest, PermutingTheKeypointsPermutesTheScores) {
  SuperGlue network = Network();
  const SuperGlueInput a = Input(1, 8), b = Input(1, 8);
  const auto order = torch::randperm(8, torch::kLong);
  const SuperGlueInput permuted = {b.keypoints.index_select(1, order), b.scores.index_select(1, order),
                                   b.descriptors.index_select(2, order)};
  EXPECT_TRUE(
      TensorsNear(network->forward(a, permuted), network->forward(a, b).index_select(2, order), kTolerance));
}

TEST_F(SuperGlueTest, PreparingEachImageAloneGivesTheScoresOfThePair) {
  for (const int depth : {0, 1, 3}) {
    SuperGlue network = Network(depth);
    for (const int64_t m : {7, 11}) {
      const SuperGlueInput a = Input(2, 7), b = Input(2, m);
      const auto scores = network->ForwardPrepared(network->Prepare(a), network->Prepare(b));
      EXPECT_TRUE(TensorsNear(scores, network->forward(a, b), kTolerance)) << depth << " pairs of layers";
    }
  }
}

// The layer as the paper writes it, image by image: self layers look at the own image, cross layers at the
// other.
TEST_F(SuperGlueTest, BothImagesInOneBatchEqualEachAlone) {
  SuperGlue network = Network();
  auto desc0 = torch::randn({2, 6, kDim}), desc1 = torch::randn({2, 6, kDim});
  for (size_t i = 0; i < network->gnn->num_layers(); ++i) {
    auto* layer = network->gnn->layers[i]->as<AttentionalPropagation>();
    const bool cross = i % 2 == 1;
    const auto expected0 = desc0 + layer->forward(desc0, cross ? desc1 : desc0);
    const auto expected1 = desc1 + layer->forward(desc1, cross ? desc0 : desc1);
    network->gnn->Layer(i, desc0, desc1);
    EXPECT_TRUE(TensorsNear(desc0, expected0, kTolerance)) << "layer " << i;
    EXPECT_TRUE(TensorsNear(desc1, expected1, kTolerance)) << "layer " << i;
  }
}

TEST_F(SuperGlueTest, DeepSupervisionSeesEveryPairButTheLast) {
  SuperGlue network = Network(3);
  std::vector<torch::Tensor> after_pair;
  const SuperGlueInput a = Input(1, 4), b = Input(1, 5);
  network->forward(a, b, &after_pair);
  ASSERT_EQ(after_pair.size(), 2u);
  EXPECT_EQ(after_pair[0].sizes(), (torch::IntArrayRef{1, 4, 5}));
  EXPECT_FALSE(TensorsNear(after_pair[0], after_pair[1], kTolerance));
}

TEST_F(SuperGlueTest, NearestNeighbourStartScoresTheCosine) {
  for (const int num_layer_pairs : {0, 2}) {
    SuperGlue network = Network(num_layer_pairs);
    network->InitializeAsNearestNeighbor(12.0);
    const SuperGlueInput a = Input(2, 5), b = Input(2, 9);
    const auto cosine = torch::bmm(a.descriptors.transpose(1, 2), b.descriptors);
    EXPECT_TRUE(TensorsNear(network->forward(a, b), 12.0 * cosine, 1e-4));
  }
}

TEST_F(SuperGlueTest, MatchesOfSwappedImagesAreTheSame) {
  SuperGlue network = Network();
  network->InitializeAsNearestNeighbor(20.0);
  Features a = RandomFeatures(30, kDim), b = RandomFeatures(40, kDim);
  b.descriptors.narrow(1, 5, 20).copy_(a.descriptors.narrow(1, 3, 20));  // 20 true matches, i -> i + 2
  const FeatureMatches forward = MatchFeatures(network, a, b, {}),
                       backward = MatchFeatures(network, b, a, {});
  EXPECT_TRUE(torch::equal(forward.matches0.narrow(0, 3, 20), torch::arange(5, 25)));
  EXPECT_TRUE(torch::equal(forward.matches0, backward.matches1));
  EXPECT_TRUE(torch::equal(forward.matches1, backward.matches0));
}

TEST_F(SuperGlueTest, NoneOrOneKeypointIsNoSpecialCaseOfTheCaller) {
  SuperGlue network = Network();
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{0, 0}, {0, 5}, {5, 0}, {1, 1}, {1, 5}, {5, 1}}) {
    const FeatureMatches matches =
        MatchFeatures(network, RandomFeatures(n, kDim), RandomFeatures(m, kDim), {});
    EXPECT_EQ(matches.matches0.sizes(), (torch::IntArrayRef{n}));
    EXPECT_EQ(matches.matches1.sizes(), (torch::IntArrayRef{m}));
    EXPECT_EQ(matches.matching_scores0.sizes(), (torch::IntArrayRef{n}));
    if (n == 0 || m == 0) {
      EXPECT_TRUE((matches.matches0 == kUnmatched).all().item<bool>());
      EXPECT_TRUE((matches.matches1 == kUnmatched).all().item<bool>());
    }
  }
}

TEST_F(SuperGlueTest, DescriptorsOfAnotherSuperPointAreRefused) {
  SuperGlue network = Network();
  Features features = RandomFeatures(5, kDim);
  features.descriptors = torch::randn({kDim * 2, 5});
  EXPECT_THROW(MatchFeatures(network, features, RandomFeatures(5, kDim), {}), c10::Error);
}

TEST_F(SuperGlueTest, KeypointsAreCentredAndScaledByTheLongerSide) {
  const auto normalized =
      NormalizeKeypoints(torch::tensor({{0.0f, 0.0f}, {320.0f, 240.0f}, {640.0f, 480.0f}}), 640, 480);
  const float half_width = 320.0f / (0.7f * 640), half_height = 240.0f / (0.7f * 640);
  const auto expected = torch::tensor({{-half_width, -half_height}, {0.0f, 0.0f}, {half_width, half_height}});
  EXPECT_TRUE(TensorsNear(normalized, expected, 1e-6));
}

TEST_F(SuperGlueTest, NamesAreTheOfficialCheckpoints) {
  SuperGlue network(SuperGlueArchitecture{});
  const auto parameters = network->named_parameters();
  const auto buffers = network->named_buffers();
  EXPECT_EQ(parameters["kenc.encoder.12.weight"].sizes(), (torch::IntArrayRef{256, 256, 1}));
  EXPECT_EQ(parameters["gnn.layers.17.attn.proj.2.bias"].sizes(), (torch::IntArrayRef{256}));
  EXPECT_EQ(parameters["gnn.layers.17.mlp.3.weight"].sizes(), (torch::IntArrayRef{256, 512, 1}));
  EXPECT_EQ(parameters["bin_score"].dim(), 0);
  EXPECT_EQ(buffers["kenc.encoder.10.num_batches_tracked"].dim(), 0);
}

TEST_F(SuperGlueTest, ImpossibleArchitecturesAreRefusedByName) {
  SuperGlueArchitecture bad = Small();
  bad.descriptor_dim = 18;
  EXPECT_THROW(SuperGlue{bad}, WeightsError);
  bad = Small(-1);
  EXPECT_THROW(SuperGlue{bad}, WeightsError);
  bad = Small();
  bad.keypoint_encoder = {32, 0};
  EXPECT_THROW(SuperGlue{bad}, WeightsError);
}

TEST(Extended, MoreLayersKeepTheFunctionAndFewerAreRefused) {
  torch::NoGradGuard no_grad;
  SuperGlue network(SuperGlueArchitecture{8, {8}, 2});
  network->eval();
  SuperGlue deeper = Extended(network, {8, {8}, 4});
  EXPECT_EQ(deeper->architecture().num_layer_pairs, 4);
  EXPECT_FALSE(deeper->is_training());
  SuperGlueInput input0{torch::rand({2, 5, 2}), torch::rand({2, 5}), torch::randn({2, 8, 5})},
      input1{torch::rand({2, 7, 2}), torch::rand({2, 7}), torch::randn({2, 8, 7})};
  EXPECT_TRUE(TensorsNear(deeper->forward(input0, input1), network->forward(input0, input1), 1e-5));
  EXPECT_THROW(Extended(network, {8, {8}, 1}), WeightsError);
  EXPECT_THROW(Extended(network, {12, {8}, 2}), WeightsError);
}

TEST(Extended, AnotherKeypointEncoderSaysNothingYet) {
  torch::NoGradGuard no_grad;
  SuperGlue network(SuperGlueArchitecture{8, {8}, 1});
  SuperGlueArchitecture architecture{8, KeypointCodeWidths(4), 1};
  architecture.fixed_keypoint_code = true;
  SuperGlue other = Extended(network, architecture);
  other->eval();
  const auto scores = torch::rand({1, 5}), descriptors = torch::randn({1, 8, 5});
  const SuperGlueInput here{torch::rand({1, 5, 2}), scores, descriptors},
      there{torch::rand({1, 5, 2}), scores, descriptors};
  EXPECT_TRUE(TensorsNear(other->forward(here, here), other->forward(there, there), 1e-6));
  EXPECT_TRUE(other->gnn->layers[0]->named_parameters()["mlp.0.weight"].equal(
      network->gnn->layers[0]->named_parameters()["mlp.0.weight"]));
}

TEST(FoldBatchNormOfSuperGlue, KeepsTheFunctionWithoutNorms) {
  torch::NoGradGuard no_grad;
  SuperGlue network = Normalized({8, {8, 6}, 2});
  SuperGlue folded = FoldBatchNorm(network);
  EXPECT_TRUE(folded->named_buffers().is_empty());
  EXPECT_FALSE(folded->architecture().batch_norm);
  SuperGlueInput input0{torch::rand({2, 5, 2}), torch::rand({2, 5}), torch::randn({2, 8, 5})},
      input1{torch::rand({2, 7, 2}), torch::rand({2, 7}), torch::randn({2, 8, 7})};
  EXPECT_TRUE(TensorsNear(folded->forward(input0, input1), network->forward(input0, input1), 1e-4));
}

TEST_F(SuperGlueTest, AttentionAndMlpMayBeNarrowerThanPublished) {
  SuperGlueArchitecture narrow = Small();
  narrow.attention_dim = 8;
  narrow.mlp_hidden = 6;
  const SuperGlue network(narrow);
  const auto parameters = network->named_parameters();
  EXPECT_EQ(parameters["gnn.layers.0.attn.proj.1.weight"].size(0), 8);
  EXPECT_EQ(parameters["gnn.layers.0.attn.merge.weight"].size(1), 8);
  EXPECT_EQ(parameters["gnn.layers.0.mlp.0.weight"].size(0), 6);
  narrow.attention_dim = 6;
  EXPECT_THROW(SuperGlue{narrow}, WeightsError);
}

}  // namespace
}  // namespace colmatch
