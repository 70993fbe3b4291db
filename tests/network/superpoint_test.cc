// SuperPoint: shapes, cells, widths, and that folding and inserting batch normalisation and widening keep the
// function.
#include "network/superpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/network/tensor_near.h"
#include "util/error.h"

namespace colmatch {
namespace {

SuperPointArchitecture Small() {
  SuperPointArchitecture architecture;
  architecture.encoder_widths = {4, 6, 8, 10};
  architecture.head_width = 12;
  architecture.descriptor_dim = 16;
  return architecture;
}

TEST(SuperPoint, OutputIsOneCellPerEightPixels) {
  SuperPoint network(Small());
  for (const auto& [height, width] : {std::pair<int, int>{8, 8}, {15, 24}, {37, 53}, {64, 40}}) {
    const SuperPointOutput output = network->forward(torch::rand({2, 1, height, width}));
    EXPECT_EQ(output.logits.sizes(), (torch::IntArrayRef{2, 65, height / 8, width / 8}));
    EXPECT_EQ(output.descriptors.sizes(), (torch::IntArrayRef{2, 16, height / 8, width / 8}));
    EXPECT_TRUE(TensorsNear(output.descriptors.norm(2, 1), torch::ones({2, height / 8, width / 8}), 1e-5));
  }
}

TEST(SuperPoint, ImagesBelowOneCellAreRefused) {
  SuperPoint network(Small());
  EXPECT_THROW(network->forward(torch::rand({1, 1, 7, 64})), c10::Error);
  EXPECT_THROW(network->forward(torch::rand({1, 3, 64, 64})), c10::Error);
}

TEST(SuperPoint, BatchEqualsSingle) {
  SuperPoint network(Small());
  torch::NoGradGuard no_grad;
  const auto images = torch::rand({3, 1, 40, 48});
  const SuperPointOutput batch = network->forward(images);
  for (int64_t i = 0; i < 3; ++i) {
    const SuperPointOutput single = network->forward(images.narrow(0, i, 1));
    EXPECT_TRUE(TensorsNear(batch.logits[i], single.logits[0], 1e-5));
    EXPECT_TRUE(TensorsNear(batch.descriptors[i], single.descriptors[0], 1e-5));
  }
}

TEST(SuperPoint, OutputDoesNotDependOnTheOrderOfChannelsInMemory) {
  torch::NoGradGuard no_grad;
  SuperPoint network(Small());
  const int64_t width = Small().head_width;
  const auto heads = torch::rand({2, 2 * width, 5, 7});
  const auto output_of = [&](const torch::Tensor& x) {
    return network->Output(x.narrow(1, 0, width), x.narrow(1, width, width));
  };
  const SuperPointOutput expected = output_of(heads),
                         found = output_of(heads.contiguous(torch::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(TensorsNear(found.logits, expected.logits, 1e-5));
  EXPECT_TRUE(TensorsNear(found.descriptors, expected.descriptors, 1e-5));
}

TEST(SuperPoint, WidthsComeFromTheArchitecture) {
  SuperPoint network(Small());
  const auto parameters = network->named_parameters();
  EXPECT_EQ(parameters.size(), 24u);
  EXPECT_EQ(parameters["conv3b.weight"].sizes(), (torch::IntArrayRef{8, 8, 3, 3}));
  EXPECT_EQ(parameters["convPa.weight"].sizes(), (torch::IntArrayRef{12, 10, 3, 3}));
  EXPECT_EQ(parameters["convPb.bias"].sizes(), (torch::IntArrayRef{65}));
  EXPECT_EQ(parameters["convDb.weight"].sizes(), (torch::IntArrayRef{16, 12, 1, 1}));
}

TEST(SuperPoint, ImpossibleWidthsAreRefusedByName) {
  SuperPointArchitecture bad = Small();
  bad.head_width = 0;
  try {
    SuperPoint network(bad);
    FAIL() << "not refused";
  } catch (const WeightsError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("head_width"));
  }
}

// Channel k of a cell is its pixel (k / 8, k mod 8).
TEST(ScoresFromLogits, UnfoldCellsInRowOrder) {
  auto logits = torch::zeros({1, 65, 3, 4});
  logits[0][19][1][2] = 50;  // row 2, column 3 of the cell at row 1, column 2
  const auto scores = ScoresFromLogits(logits);
  EXPECT_EQ(scores.sizes(), (torch::IntArrayRef{1, 24, 32}));
  EXPECT_NEAR(scores[0][8 + 2][16 + 3].item<double>(), 1, 1e-6);
  EXPECT_NEAR(scores[0][0][0].item<double>(), 1.0 / 65, 1e-6);
}

// In double it is LibTorch's operations, in float32 the CPU's own.
TEST(ScoresFromLogits, AreTheSameInFloatAndInDouble) {
  const auto logits = 20 * torch::randn({2, 65, 5, 7});
  EXPECT_TRUE(TensorsNear(ScoresFromLogits(logits), ScoresFromLogits(logits.to(torch::kDouble)), 1e-6));
}

TEST(ScoresFromLogits, NoKeypointTakesItsShare) {
  auto logits = torch::zeros({1, 65, 1, 1});
  logits[0][64][0][0] = 50;
  EXPECT_LT(ScoresFromLogits(logits).sum().item<double>(), 1e-6);
}

// With batch normalisation that is not the identity.
SuperPoint Normalized() {
  SuperPointArchitecture architecture = Small();
  architecture.batch_norm = true;
  SuperPoint network(architecture);
  torch::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {
    if (item.key().rfind("bn", 0) == 0) item.value().uniform_(-1, 2);
  }
  for (auto& item : network->named_buffers()) {
    if (item.value().is_floating_point()) item.value().uniform_(0.1, 2);
  }
  network->eval();
  return network;
}

void ExpectSameFunction(SuperPoint found, SuperPoint expected, const torch::Tensor& images) {
  torch::NoGradGuard no_grad;
  const SuperPointOutput a = found->forward(images), b = expected->forward(images);
  const double scale = b.logits.abs().max().item<double>();
  EXPECT_TRUE(TensorsNear(a.logits, b.logits, 1e-5 * std::max(1.0, scale)));
  EXPECT_TRUE(TensorsNear(a.descriptors, b.descriptors, 1e-5));
}

TEST(FoldBatchNorm, KeepsTheFunction) {
  SuperPoint network = Normalized();
  SuperPoint folded = FoldBatchNorm(network);
  EXPECT_TRUE(folded->named_buffers().is_empty());
  EXPECT_FALSE(folded->is_training());
  ExpectSameFunction(folded, network, torch::rand({1, 1, 48, 64}));
}

TEST(InsertBatchNorm, KeepsTheFunction) {
  for (SuperPoint& network : std::vector<SuperPoint>{SuperPoint(Small()), Normalized()}) {
    SuperPoint inserted = InsertBatchNorm(network, torch::rand({3, 1, 40, 48}));
    EXPECT_TRUE(inserted->architecture().batch_norm);
    EXPECT_FALSE(inserted->is_training());
    ExpectSameFunction(inserted, network, torch::rand({1, 1, 48, 64}));
  }
}

TEST(InsertBatchNorm, GivesTheSameForItsImagesInTrainingModeToo) {
  for (SuperPoint& network : std::vector<SuperPoint>{SuperPoint(Small()), Normalized()}) {
    const auto images = torch::rand({3, 1, 40, 48});
    SuperPoint inserted = InsertBatchNorm(network, images);
    inserted->train();
    ExpectSameFunction(inserted, network, images);
  }
}

TEST(InsertBatchNorm, IsUndoneByFoldBatchNorm) {
  SuperPoint network(Small());
  SuperPoint inserted = InsertBatchNorm(network, torch::rand({3, 1, 40, 48}));
  SuperPoint folded = FoldBatchNorm(inserted);
  const auto expected = network->named_parameters(), found = folded->named_parameters();
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& item : expected)
    EXPECT_TRUE(TensorsNear(found[item.key()], item.value(), 1e-5)) << item.key();
}

SuperPointArchitecture Wider() {
  SuperPointArchitecture architecture = Small();
  architecture.encoder_widths = {7, 6, 16, 11};
  architecture.head_width = 20;
  return architecture;
}

TEST(Widen, KeepsTheFunction) {
  for (SuperPoint& network : std::vector<SuperPoint>{SuperPoint(Small()), Normalized()}) {
    SuperPoint wide = Widen(network, Wider());
    EXPECT_EQ(wide->architecture().encoder_widths, Wider().encoder_widths);
    EXPECT_EQ(wide->architecture().head_width, 20);
    ExpectSameFunction(wide, network, torch::rand({2, 1, 48, 64}));
  }
}

TEST(Widen, ToTheSameWidthsIsACopy) {
  SuperPoint network(Small());
  const auto expected = network->named_parameters(), found = Widen(network, Small())->named_parameters();
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& item : expected) EXPECT_TRUE(torch::equal(found[item.key()], item.value())) << item.key();
}

// Channels that answered nothing, or weights on them that got no gradient, would stay useless for ever.
TEST(Widen, GivesTrainingAGradientOnWhatIsNew) {
  SuperPoint network(Small());
  SuperPoint wide = Widen(network, Wider());
  wide->forward(torch::rand({1, 1, 48, 64})).logits.square().sum().backward();
  const auto parameters = wide->named_parameters();
  EXPECT_GT(parameters["conv1b.weight"].grad().narrow(0, 0, 4).narrow(1, 4, 3).abs().max().item<double>(), 0);
  EXPECT_GT(parameters["convPb.weight"].grad().narrow(1, 12, 8).abs().max().item<double>(), 0);
}

TEST(Widen, RefusesSmallerWidthsAndAnotherDescriptor) {
  std::vector<std::pair<std::string, SuperPointArchitecture>> cases;
  for (size_t i = 0; i < 4; ++i) {
    cases.emplace_back("encoder width " + std::to_string(i), Wider());
    cases.back().second.encoder_widths[i] = Small().encoder_widths[i] - 1;
  }
  cases.emplace_back("head", Wider());
  cases.back().second.head_width = 11;
  for (const int descriptor_dim : {8, 32}) {
    cases.emplace_back("descriptor " + std::to_string(descriptor_dim), Wider());
    cases.back().second.descriptor_dim = descriptor_dim;
  }
  SuperPoint network(Small());
  for (const auto& [name, architecture] : cases)
    EXPECT_THROW(Widen(network, architecture), WeightsError) << name;
}

}  // namespace
}  // namespace colmatch
