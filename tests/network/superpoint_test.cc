// SuperPoint: shapes, cells, widths, and the exactness of folding its batch normalisation.
#include "network/superpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "network/error.h"
#include "tests/network/tensor_near.h"

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

TEST(ScoresFromLogits, NoKeypointTakesItsShare) {
  auto logits = torch::zeros({1, 65, 1, 1});
  logits[0][64][0][0] = 50;
  EXPECT_LT(ScoresFromLogits(logits).sum().item<double>(), 1e-6);
}

TEST(FoldBatchNorm, KeepsTheFunction) {
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
  SuperPoint folded = FoldBatchNorm(network);
  EXPECT_TRUE(folded->named_buffers().is_empty());
  EXPECT_FALSE(folded->is_training());
  const auto image = torch::rand({1, 1, 48, 64});
  const SuperPointOutput expected = network->forward(image), output = folded->forward(image);
  const double scale = expected.logits.abs().max().item<double>();
  EXPECT_TRUE(TensorsNear(output.logits, expected.logits, 1e-5 * std::max(1.0, scale)));
  EXPECT_TRUE(TensorsNear(output.descriptors, expected.descriptors, 1e-5));
}

}  // namespace
}  // namespace colmatch
