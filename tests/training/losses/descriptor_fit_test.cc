// Tests of the linear map to a teacher's descriptors.
#include "training/losses/descriptor_fit.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "network/keypoints.h"
#include "tests/network/tensor_near.h"
#include "tests/training/training_test_util.h"

namespace colmatch {
namespace {

constexpr int kDim = 8;

SuperPoint Network() {
  torch::manual_seed(4);
  SuperPoint network(SuperPointArchitecture{{4, 4, 8, 8}, 16, kDim, false, DescriptorSampling::kCellCentres});
  network->eval();
  return network;
}

// Random pictures and points, whose targets are the network's own descriptors turned by `turn` (D, D).
SuperPointBatch Batch(SuperPoint network, const torch::Tensor& turn, int64_t number) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(static_cast<uint64_t>(100 + number));
  SuperPointBatch batch;
  batch.images = torch::rand({4, 1, 64, 64});
  batch.points_a = torch::rand({2, 30, 2}) * 50 + 6;
  batch.points_b = torch::rand({2, 30, 2}) * 50 + 6;
  batch.valid = torch::ones({2, 30}, torch::kBool);
  batch.taught = torch::rand({2, 30}) < 0.7;
  const auto views = network->forward(batch.images).descriptors.chunk(2);
  const auto of_a =
      SampleDescriptors(batch.points_a, views[0], DescriptorSampling::kCellCentres).transpose(1, 2);
  batch.targets = torch::matmul(of_a, turn.t()) * batch.taught.unsqueeze(2);
  batch.images = batch.images.slice(0, 0, 2).repeat({2, 1, 1, 1});  // both views are the same picture
  batch.points_b = batch.points_a;
  return batch;
}

TEST(DescriptorFit, FindsTheTurnBetweenTheTeachersDescriptorsAndItsOwn) {
  SuperPoint original = Network(), fitted = Network();
  torch::manual_seed(9);
  const auto turn = std::get<0>(torch::linalg_qr(torch::randn({kDim, kDim})));
  const double cosine = FitDescriptors(fitted, 6, [&](int64_t n) { return Batch(original, turn, n); });
  EXPECT_GT(cosine, 0.999);
  torch::NoGradGuard no_grad;
  const auto image = torch::rand({1, 1, 64, 64});
  const auto before = original->forward(image), after = fitted->forward(image);
  const auto wanted = torch::matmul(turn, before.descriptors.flatten(2));
  EXPECT_TRUE(TensorsNear(after.descriptors.flatten(2), wanted, 0.02));
  EXPECT_TRUE(SameBytes(after.logits, before.logits));
}

TEST(DescriptorFit, NothingTaughtChangesNothing) {
  SuperPoint original = Network(), fitted = Network();
  const auto nothing = [&](int64_t n) {
    SuperPointBatch batch = Batch(original, torch::eye(kDim), n);
    batch.taught.zero_();
    return batch;
  };
  EXPECT_EQ(FitDescriptors(fitted, 2, nothing), 0);
  EXPECT_TRUE(SameBytes(*fitted, *original));
}

}  // namespace
}  // namespace colmatch
