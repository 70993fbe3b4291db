// SuperGlue for many pairs at once, padded and in few bits, against the network pair by pair.
#include "network/engines/batched_superglue.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

#include "network/engines/pair_matching.h"
#include "tests/gpu_test.h"
#include "tests/network/random_superglue.h"
#include "tests/network/tensor_near.h"
#include "tests/random_features.h"

namespace colmatch {
namespace {

std::vector<SuperGlueArchitecture> Architectures() {
  SuperGlueArchitecture narrow{36, {16}, 2};
  narrow.attention_dim = 12;
  narrow.mlp_hidden = 50;
  SuperGlueArchitecture two_heads{32, {16}, 3};
  two_heads.num_heads = 2;
  return {{32, {16}, 2}, narrow, two_heads, {32, {16}, 0}};
}

SuperGlue Folded(const SuperGlueArchitecture& architecture) {
  SuperGlue network = Normalized(architecture);
  SuperGlue folded = FoldBatchNorm(network);
  folded->eval();
  return folded;
}

// Norm of the difference over that of the exact one.
double Difference(const torch::Tensor& found, const torch::Tensor& exact) {
  return (found - exact).norm().item<double>() / exact.norm().item<double>();
}

void ExpectEachPairAlone(SuperGlue network, const std::vector<int64_t>& counts0,
                         const std::vector<int64_t>& counts1, torch::ScalarType type, torch::Device device,
                         double tolerance) {
  torch::NoGradGuard no_grad;
  const int64_t d = network->architecture().descriptor_dim;
  std::vector<torch::Tensor> prepared0, prepared1, exact;
  network->to(torch::kCPU);
  const auto plain = MakePlainSuperGlue(network);
  std::vector<Features> images0, images1;
  for (size_t i = 0; i < counts0.size(); ++i) {
    images0.push_back(RandomFeatures(counts0[i], d));
    images1.push_back(RandomFeatures(counts1[i], d));
    exact.push_back(plain->CouplingsOfPair(plain->Prepare(images0[i]), plain->Prepare(images1[i])));
  }
  network->to(device);
  BatchedSuperGlue engine(network, type);
  const auto prepare = [&](Features features) {
    for (torch::Tensor* t : {&features.keypoints, &features.scores, &features.descriptors})
      *t = t->to(device);
    return engine.Prepare(features);
  };
  for (size_t i = 0; i < counts0.size(); ++i) {
    prepared0.push_back(prepare(images0[i]));
    prepared1.push_back(prepare(images1[i]));
  }
  const auto couplings = engine.Couplings(PadRows(prepared0), PadRows(prepared1)).cpu();
  for (size_t i = 0; i < counts0.size(); ++i) {
    const auto found =
        couplings.narrow(0, static_cast<int64_t>(i), 1).narrow(1, 0, counts0[i]).narrow(2, 0, counts1[i]);
    EXPECT_LT(Difference(found, exact[i]), tolerance) << "pair " << i << ", " << d << " channels";
  }
}

TEST(BatchedSuperGlue, APairOfABatchIsThePairAlone) {
  for (const SuperGlueArchitecture& architecture : Architectures()) {
    SuperGlue network = Folded(architecture);
    ExpectEachPairAlone(network, {50, 50}, {50, 50}, torch::kFloat, torch::kCPU, 1e-5);
    ExpectEachPairAlone(network, {40, 40}, {30, 30}, torch::kFloat, torch::kCPU, 1e-5);
    ExpectEachPairAlone(network, {1, 50, 20, 31, 1}, {30, 45, 64, 3, 1}, torch::kFloat, torch::kCPU, 1e-5);
    ExpectEachPairAlone(network, {1, 50, 20, 31}, {30, 45, 64, 3}, torch::kBFloat16, torch::kCPU, 0.02);
  }
}

// As of a trained network: nearly every match stands out.
SuperGlue Clear(const SuperGlueArchitecture& architecture) {
  SuperGlue network(architecture);
  network->InitializeAsNearestNeighbor(40);
  torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.add_(0.02 * torch::randn_like(parameter));
  network->eval();
  return FoldBatchNorm(network);
}

TEST(BatchedSuperGlue, MatchesWhatThePairsAloneDo) {
  torch::NoGradGuard no_grad;
  SuperGlue network = Clear({32, {16}, 2});
  BatchedSuperGlue engine(network, torch::kFloat);
  std::vector<torch::Tensor> images0, images1;
  std::vector<FeatureMatches> expected;
  for (const auto& [n, m] :
       {std::pair<int64_t, int64_t>{60, 60}, {0, 9}, {40, 70}, {9, 0}, {0, 0}, {1, 1}, {70, 20}}) {
    Features first = RandomFeatures(n, 32), second = RandomFeatures(m, 32);
    first.descriptors = torch::nn::functional::normalize(
        first.descriptors, torch::nn::functional::NormalizeFuncOptions().dim(0));
    const int64_t shared = std::min(n, m);
    second.descriptors.narrow(1, 0, shared).copy_(first.descriptors.narrow(1, 0, shared));
    second.descriptors = torch::nn::functional::normalize(
        second.descriptors, torch::nn::functional::NormalizeFuncOptions().dim(0));
    images0.push_back(engine.Prepare(first));
    images1.push_back(engine.Prepare(second));
    expected.push_back(MatchFeatures(network, first, second, {}));
  }
  EXPECT_GT((expected[0].matches0 >= 0).sum().item<int64_t>(), 40);
  const auto found = MatchPreparedPairs(engine, images0, images1, {});
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(torch::equal(found[i].matches0, expected[i].matches0)) << i;
    EXPECT_TRUE(torch::equal(found[i].matches1, expected[i].matches1)) << i;
    EXPECT_TRUE(TensorsNear(found[i].matching_scores0, expected[i].matching_scores0, 2e-3)) << i;
  }
  EXPECT_TRUE(MatchPreparedPairs(engine, {}, {}, {}).empty());
}

// Pairs of the same shapes again and again, and of others in between: as without recording.
void ExpectRecordedIsTheSame(torch::Device device) {
  SuperGlue network = Folded({32, {16}, 3});
  network->to(device);
  BatchedSuperGlue plain(network, torch::kFloat), recording(network, torch::kFloat, /*record=*/true);
  for (int round = 0; round < 4; ++round) {
    for (const auto& [n, m] : {std::pair<int64_t, int64_t>{40, 40}, {40, 30}, {25, 64}}) {
      const auto rows = [&](int64_t count) { return torch::randn({1, count, 32}).to(device); };
      const PaddedRows images0 = PadRows({rows(n), rows(n), rows(n / 2)}),
                       images1 = PadRows({rows(m), rows(m), rows(m)});
      const auto expected = plain.Couplings(images0, images1), found = recording.Couplings(images0, images1);
      EXPECT_LT(Difference(found, expected), 1e-5) << n << " x " << m << ", round " << round;
    }
  }
}

TEST(BatchedSuperGlue, RecordingChangesNothing) { ExpectRecordedIsTheSame(torch::kCPU); }

class SuperGlueBatchOnAGpu : public GpuTest {};

TEST_F(SuperGlueBatchOnAGpu, RecordedLaunchesGiveTheSame) { ExpectRecordedIsTheSame(torch::kCUDA); }

TEST_F(SuperGlueBatchOnAGpu, IsThePairAloneOnTheCpu) {
  for (const SuperGlueArchitecture& architecture : Architectures()) {
    SuperGlue network = Folded(architecture);
    for (const auto& [type, tolerance] :
         {std::pair{torch::kFloat, 1e-4}, {torch::kHalf, 5e-3}, {torch::kBFloat16, 0.03}}) {
      ExpectEachPairAlone(network, {50, 50}, {50, 50}, type, torch::kCUDA, tolerance);
      ExpectEachPairAlone(network, {1, 50, 20, 31, 1}, {30, 45, 64, 3, 1}, type, torch::kCUDA, tolerance);
    }
  }
}

}  // namespace
}  // namespace colmatch
