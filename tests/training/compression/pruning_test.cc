// Tests of pruning: which weights go, and that narrower networks are what the wider ones would be without the
// channels that went.
#include "training/compression/pruning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/network/tensor_near.h"
#include "util/error.h"

namespace colmatch {
namespace {

TEST(MagnitudeMask, TakesTheSmallestAwayAndAsManyAsAsked) {
  const auto weight = torch::tensor({0.5, -0.1, 3.0, 0.2, -2.0, 0.0}).view({2, 3, 1});
  EXPECT_TRUE(
      torch::equal(MagnitudeMask(weight, 0.5).flatten(), torch::tensor({1.0, 0.0, 1.0, 0.0, 1.0, 0.0})));
  EXPECT_EQ(MagnitudeMask(weight, 0).sum().item<double>(), 6);
  EXPECT_THROW(MagnitudeMask(weight, 1), UsageError);
  EXPECT_THROW(MagnitudeMask(weight, -0.1), UsageError);
}

TEST(MagnitudeMask, OfEqualWeightsTakesNoMoreThanAsked) {
  EXPECT_EQ(MagnitudeMask(torch::ones({4, 25, 1}), 0.3).sum().item<double>(), 70);
}

TEST(TwoOfFourMask, LeavesTwoOfEveryFourInputsAndTheRest) {
  const auto weight = torch::tensor({4.0, -3.0, 2.0, 1.0, 0.1, 0.2, -0.4, 0.3, 0.01}).view({1, 9, 1});
  EXPECT_TRUE(torch::equal(TwoOfFourMask(weight).flatten(),
                           torch::tensor({1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0})));
  const auto convolution = torch::randn({5, 8, 3, 3});
  const auto groups = TwoOfFourMask(convolution).view({5, 2, 4, 9}).sum(2);
  EXPECT_TRUE(torch::equal(groups, torch::full_like(groups, 2)));
}

SuperPointArchitecture Wide() {
  SuperPointArchitecture architecture;
  architecture.encoder_widths = {4, 6, 8, 10};
  architecture.head_width = 12;
  architecture.descriptor_dim = 16;
  return architecture;
}

TEST(NarrowSuperPoint, AtTheSameWidthsIsTheSameNetwork) {
  torch::NoGradGuard no_grad;
  SuperPoint network(Wide());
  SuperPoint same = NarrowSuperPoint(network, Wide());
  const auto image = torch::rand({1, 1, 24, 32});
  EXPECT_TRUE(TensorsNear(same->forward(image).logits, network->forward(image).logits, 1e-5));
}

// An output channel of a layer that is always zero.
template <typename Network>
void Silence(Network& network, const std::string& layer, int64_t channel) {
  auto parameters = network->named_parameters();
  parameters[layer + ".weight"][channel].zero_();
  parameters[layer + ".bias"][channel].zero_();
}

// Channels that are zero, and are not listened to, may go without a trace.
TEST(NarrowSuperPoint, WithoutSilentChannelsAnswersTheSame) {
  torch::NoGradGuard no_grad;
  SuperPoint network(Wide());
  for (const char* name :
       {"conv1a", "conv1b", "conv2a", "conv2b", "conv3a", "conv3b", "conv4a", "conv4b", "convPa", "convDa"})
    Silence(network, name, 1);
  SuperPointArchitecture narrower = Wide();
  narrower.encoder_widths = {3, 5, 7, 9};
  narrower.head_width = 11;
  SuperPoint narrow = NarrowSuperPoint(network, narrower);
  const auto image = torch::rand({2, 1, 24, 32});
  const SuperPointOutput expected = network->forward(image), found = narrow->forward(image);
  EXPECT_TRUE(TensorsNear(found.logits, expected.logits, 1e-5));
  EXPECT_TRUE(TensorsNear(found.descriptors, expected.descriptors, 1e-5));
}

TEST(NarrowSuperPoint, CannotBecomeWider) {
  SuperPoint network(Wide());
  SuperPointArchitecture wider = Wide();
  wider.encoder_widths[2] = 9;
  EXPECT_THROW(NarrowSuperPoint(network, wider), WeightsError);
}

SuperGlueInput Input(int64_t n) {
  return {torch::rand({2, n, 2}), torch::rand({2, n}), torch::randn({2, 16, n})};
}

TEST(NarrowSuperGlue, AtTheSameSizesIsTheSameNetwork) {
  torch::NoGradGuard no_grad;
  SuperGlue network(SuperGlueArchitecture{16, {8}, 2});
  network->eval();
  SuperGlue same = NarrowSuperGlue(network, {});
  EXPECT_EQ(same->architecture().attention_dim, 0);
  const auto input0 = Input(5), input1 = Input(7);
  EXPECT_TRUE(TensorsNear(same->forward(input0, input1), network->forward(input0, input1), 1e-4));
}

TEST(NarrowSuperGlue, WithoutSilentChannelsAnswersTheSame) {
  torch::NoGradGuard no_grad;
  SuperGlue network(SuperGlueArchitecture{16, {8}, 2});
  network->eval();
  for (int layer = 0; layer < 4; ++layer) {
    const std::string prefix = "gnn.layers." + std::to_string(layer) + ".";
    for (const int64_t channel : {0, 5, 10, 15}) {  // one of each head
      Silence(network, prefix + "attn.proj.0", channel);
      Silence(network, prefix + "attn.proj.1", channel);
    }
    for (const int64_t channel : {4, 1, 14, 7}) Silence(network, prefix + "attn.proj.2", channel);
    for (const int64_t channel : {3, 30}) Silence(network, prefix + "mlp.0", channel);
  }
  SuperGlue narrow = NarrowSuperGlue(network, {0, 12, 30, {}});
  EXPECT_EQ(narrow->architecture().attention_dim, 12);
  EXPECT_EQ(narrow->architecture().mlp_hidden, 30);
  const auto input0 = Input(5), input1 = Input(7);
  EXPECT_TRUE(TensorsNear(narrow->forward(input0, input1), network->forward(input0, input1), 1e-4));
}

TEST(NarrowSuperGlue, WithoutHeadsThatCarryNothingAnswersTheSame) {
  torch::NoGradGuard no_grad;
  SuperGlue network(SuperGlueArchitecture{16, {8}, 2});
  network->eval();
  for (int layer = 0; layer < 4; ++layer) {
    const std::string value = "gnn.layers." + std::to_string(layer) + ".attn.proj.2";
    for (const int64_t head : {1, layer % 2 == 0 ? 2 : 3}) {
      for (int64_t channel = head; channel < 16; channel += 4) Silence(network, value, channel);
    }
  }
  SuperGlue narrow = NarrowSuperGlue(network, {2, 0, 0, {}});
  EXPECT_EQ(narrow->architecture().num_heads, 2);
  EXPECT_EQ(narrow->architecture().attention_dim, 8);
  const auto input0 = Input(5), input1 = Input(7);
  EXPECT_TRUE(TensorsNear(narrow->forward(input0, input1), network->forward(input0, input1), 1e-4));
}

TEST(NarrowSuperGlue, WithoutLayersThatAddNothingAnswersTheSame) {
  torch::NoGradGuard no_grad;
  SuperGlue network(SuperGlueArchitecture{16, {8}, 3});
  network->eval();
  auto parameters = network->named_parameters();
  for (const char* layer : {"2", "3"}) {
    parameters[std::string("gnn.layers.") + layer + ".mlp.3.weight"].zero_();
    parameters[std::string("gnn.layers.") + layer + ".mlp.3.bias"].zero_();
  }
  SuperGlue shallow = NarrowSuperGlue(network, {0, 0, 0, {0, 2}});
  EXPECT_EQ(shallow->architecture().num_layer_pairs, 2);
  const auto input0 = Input(5), input1 = Input(7);
  EXPECT_TRUE(TensorsNear(shallow->forward(input0, input1), network->forward(input0, input1), 1e-4));
}

TEST(NarrowSuperGlue, RefusesSizesItCannotHave) {
  SuperGlue network(SuperGlueArchitecture{16, {8}, 2});
  EXPECT_THROW(NarrowSuperGlue(network, {0, 20, 0, {}}), WeightsError);
  EXPECT_THROW(NarrowSuperGlue(network, {0, 6, 0, {}}), WeightsError);  // not a multiple of the heads
  EXPECT_THROW(NarrowSuperGlue(network, {5, 0, 0, {}}), WeightsError);
  EXPECT_THROW(NarrowSuperGlue(network, {0, 0, 33, {}}), WeightsError);
  EXPECT_THROW(NarrowSuperGlue(network, {0, 0, 0, {0, 2}}), WeightsError);
}

TEST(CompressibleTensors, AreTheWeightsOfConvolutionsAndMapsAlone) {
  const auto names = CompressibleTensors(*SuperGlue(SuperGlueArchitecture{16, {8}, 1}));
  EXPECT_THAT(names, testing::Contains("final_proj.weight"));
  EXPECT_THAT(names, testing::Contains("gnn.layers.1.attn.proj.2.weight"));
  EXPECT_THAT(names, testing::Not(testing::Contains("kenc.encoder.1.weight")));
  EXPECT_THAT(names, testing::Not(testing::Contains("bin_score")));
}

}  // namespace
}  // namespace colmatch
