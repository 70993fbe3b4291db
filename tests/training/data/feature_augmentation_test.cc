// Tests of augmentation: what it may change and what it must keep.
#include "training/data/feature_augmentation.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace colmatch {
namespace {

constexpr int64_t kDim = 64;

torch::Tensor UnitColumns(int64_t count) {
  const auto d = torch::randn({kDim, count});
  return d / d.norm(2, 0, true);
}

TEST(RandomRotation, IsARotationOfAtMostItsAngle) {
  for (const double angle : {0.1, 0.8}) {
    Rng rng(1, 2, 3);
    const auto r = RandomRotation(kDim, angle, rng);
    EXPECT_LT((r.mm(r.t()) - torch::eye(kDim)).abs().max().item<double>(), 1e-5);
    // A plane turned by t has eigenvalues exp(+-it): the symmetric part's are cos t.
    const auto cosines = torch::linalg_eigvalsh((r + r.t()) / 2);
    EXPECT_GT(cosines.min().item<double>(), std::cos(1.3 * angle));
    EXPECT_LT(cosines.min().item<double>(), std::cos(0.5 * angle));
  }
}

TEST(DescriptorAugmentation, ARotationKeepsCosines) {
  Rng rng(1, 2, 3);
  const DescriptorAugmentation augment{RandomRotation(kDim, 1, rng), 0};
  const auto a = UnitColumns(5), b = UnitColumns(6);
  const auto cosines = augment.Apply(a, rng).t().mm(augment.Apply(b, rng));
  EXPECT_LT((cosines - a.t().mm(b)).abs().max().item<double>(), 1e-5);
  EXPECT_GT((augment.Apply(a, rng) - a).norm(2, 0).min().item<double>(), 0.1);
}

TEST(DescriptorAugmentation, NoiseIsOfItsLengthAndLeavesUnitColumns) {
  Rng rng(1, 2, 3);
  const auto a = UnitColumns(200);
  const auto moved = DescriptorAugmentation{{}, 0.5}.Apply(a, rng);
  EXPECT_LT((moved.norm(2, 0) - 1).abs().max().item<double>(), 1e-5);
  EXPECT_NEAR((moved * a).sum(0).mean().item<double>(), 1 / std::sqrt(1.25), 0.02);
}

TEST(DescriptorAugmentation, NothingChangesNothing) {
  Rng rng(1, 2, 3);
  const auto a = UnitColumns(3);
  EXPECT_TRUE(DescriptorAugmentation{}.Apply(a, rng).equal(a));
}

TEST(DisplaceKeypoints, IsAffineAndAtStrengthZeroNothing) {
  Rng rng(1, 2, 3);
  const auto points = torch::tensor({{0.f, 0.f}, {0.5f, 0.f}, {0.f, 0.5f}, {0.5f, 0.5f}});
  EXPECT_LT((DisplaceKeypoints(points, 0, rng) - points).abs().max().item<double>(), 1e-6);
  const auto moved = DisplaceKeypoints(points, 1, rng);
  EXPECT_LT((moved[3] - (moved[1] + moved[2] - moved[0])).abs().max().item<double>(), 1e-6);
  EXPECT_GT((moved - points).abs().max().item<double>(), 0.01);
}

}  // namespace
}  // namespace colmatch
