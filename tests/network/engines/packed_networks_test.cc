// The packed forms of both networks on the CPU: near the float networks, which they leave as they are.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "network/engines/pair_matching.h"
#include "network/engines/superglue_engine.h"
#include "network/engines/superpoint_engine.h"
#include "network/kernels/bf16.h"
#include "tests/network/random_superglue.h"
#include "tests/random_features.h"

namespace colmatch {
namespace {

double Difference(const torch::Tensor& found, const torch::Tensor& exact) {
  return (found - exact).norm().item<double>() / exact.norm().item<double>();
}

torch::Tensor CouplingsBy(const SuperGlueEngine& engine, const Features& a, const Features& b) {
  return engine.CouplingsOfPair(engine.Prepare(a), engine.Prepare(b));
}

// Widths of whole and of broken tiles and heads, images of equal and unequal sizes; a wrong layout is 100 %
// off.
TEST(PackedSuperGlue, IsNearTheFloatNetwork) {
  SuperGlueArchitecture narrow{36, {16}, 2};
  narrow.attention_dim = 12;
  narrow.mlp_hidden = 50;
  SuperGlueArchitecture two_heads{32, {16}, 2};
  two_heads.num_heads = 2;
  two_heads.attention_dim = 18;
  for (const SuperGlueArchitecture& architecture : {SuperGlueArchitecture{32, {16}, 2}, narrow, two_heads}) {
    SuperGlue normalized = Normalized(architecture);
    const SuperGlue network = FoldBatchNorm(normalized);
    const auto plain = MakePlainSuperGlue(network),
               bf16 = MakeSuperGlueEngine(network, Precision::kBf16, torch::kCPU),
               int8 = MakeSuperGlueEngine(network, Precision::kInt8, torch::kCPU);
    for (const auto& [n, m] : {std::pair<int64_t, int64_t>{1, 1}, {50, 50}, {200, 97}}) {
      const int64_t d = architecture.descriptor_dim;
      const Features a = RandomFeatures(n, d), b = RandomFeatures(m, d);
      const auto exact = CouplingsBy(*plain, a, b);
      EXPECT_LT(Difference(CouplingsBy(*bf16, a, b), exact), 0.02) << n << ' ' << d;
      EXPECT_LT(Difference(CouplingsBy(*int8, a, b), exact), 0.04) << n << ' ' << d;
    }
  }
}

TEST(PackedSuperGlue, TheSelectedPairHasItsCouplings) {
  SuperGlue normalized = Normalized({32, {16}, 2});
  const auto engine = MakeSuperGlueEngine(FoldBatchNorm(normalized), Precision::kBf16, torch::kCPU);
  const auto a = engine->Prepare(RandomFeatures(40, 32)), b = engine->Prepare(RandomFeatures(60, 32));
  Candidates candidates;
  EXPECT_FALSE(engine->SelectCandidates(a, b, candidates).defined());
  EXPECT_TRUE(torch::equal(engine->AllCouplings(), engine->CouplingsOfPair(a, b)));
}

TEST(PackedSuperGlue, AnImageWithoutKeypointsHasNoMatches) {
  SuperGlue normalized = Normalized({32, {16}, 2});
  const auto engine = MakeSuperGlueEngine(FoldBatchNorm(normalized), Precision::kInt8, torch::kCPU);
  const auto none = RandomFeatures(0, 32), some = RandomFeatures(5, 32);
  EXPECT_EQ(engine->Prepare(none).sizes(), (torch::IntArrayRef{1, 0, 32}));
  EXPECT_TRUE((MatchFeatures(*engine, none, some, {}).matches1 == kUnmatched).all().item<bool>());
}

TEST(PackedNetworks, LeaveTheModelExact) {
  torch::NoGradGuard no_grad;  // with gradients attention is another sum
  SuperGlue normalized = Normalized({32, {16}, 2});
  SuperGlue network = FoldBatchNorm(normalized);
  const SuperGlueInput a{torch::rand({1, 50, 2}), torch::rand({1, 50}), torch::randn({1, 32, 50})},
      b{torch::rand({1, 70, 2}), torch::rand({1, 70}), torch::randn({1, 32, 70})};
  const auto exact = network->forward(a, b);
  MakeSuperGlueEngine(network, Precision::kInt8, torch::kCPU);
  EXPECT_TRUE(torch::equal(network->forward(a, b), exact));
}

TEST(PackedSuperPoint, IsNearTheFloatNetwork) {
  if (!HasBf16Instructions()) GTEST_SKIP() << "this machine has no bf16 instructions";
  SuperPointArchitecture small;
  small.encoder_widths = {4, 6, 8, 10};
  small.head_width = 12;
  small.descriptor_dim = 16;
  SuperPoint network(small);
  torch::NoGradGuard no_grad;
  const auto images = torch::rand({2, 1, 40, 56});
  const SuperPointOutput exact = network->forward(images);
  const SuperPointOutput rounded = MakeSuperPointEngine(network, Precision::kBf16, torch::kCPU)(images);
  EXPECT_TRUE(torch::equal(network->forward(images).logits, exact.logits)) << "the model stays exact";
  EXPECT_FALSE(torch::equal(rounded.logits, exact.logits));
  EXPECT_EQ(rounded.logits.scalar_type(), torch::kFloat);
  EXPECT_LT(Difference(rounded.logits, exact.logits), 0.02);
  EXPECT_GT((rounded.descriptors * exact.descriptors).sum(1).min().item<double>(), 0.999);
}

}  // namespace
}  // namespace colmatch
