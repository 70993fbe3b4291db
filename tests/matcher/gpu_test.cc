// The front end on a GPU finds and matches what it does on the CPU.
#include "tests/gpu_test.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <vector>

#include "matcher/feature_extractor.h"
#include "matcher/guidance/local_guidance.h"
#include "matcher/matcher_list.h"
#include "network/engines/pair_matching.h"
#include "tests/nearest_neighbor_superglue.h"
#include "tests/network/tensor_near.h"
#include "tests/random_features.h"

namespace colmatch {
namespace {

constexpr int64_t kDim = 32;

class FrontEndOnAGpu : public GpuTest {};

TEST_F(FrontEndOnAGpu, ExtractsTheSameFeatures) {
  torch::manual_seed(3);
  LoadedSuperPoint weights;
  weights.network = SuperPoint(SuperPointArchitecture{{8, 8, 16, 16}, 16, kDim, false});
  weights.network->eval();
  KeypointOptions options;
  options.max_num_features = 200;
  options.keypoint_threshold = 0;
  options.refinement_radius = 0;
  const auto pixels = torch::rand({120 * 160});
  FeatureExtractor on_cpu(weights, options, torch::kCPU);
  const Features expected = on_cpu.Extract(pixels.data_ptr<float>(), 160, 120);
  FeatureExtractor on_gpu(weights, options, torch::kCUDA);
  const Features found = on_gpu.Extract(pixels.data_ptr<float>(), 160, 120);
  ASSERT_EQ(found.size(), expected.size());
  // A tie may be broken otherwise: nearly all places are the same, in whatever order.
  const auto nearest = torch::cdist(found.keypoints, expected.keypoints).min(1);
  const auto same = std::get<0>(nearest) < 0.01;
  EXPECT_GT(same.to(torch::kFloat).mean().item<double>(), 0.98);
  const auto own = same.nonzero().squeeze(1), theirs = std::get<1>(nearest).index_select(0, own);
  EXPECT_TRUE(TensorsNear(found.scores.index_select(0, own), expected.scores.index_select(0, theirs), 1e-4));
  EXPECT_TRUE(TensorsNear(found.descriptors.index_select(1, own),
                          expected.descriptors.index_select(1, theirs), 1e-3));
}

TEST_F(FrontEndOnAGpu, GuidesAsOnTheCpu) {
  const auto map = torch::tensor({{0.9f, 0.2f}, {-0.3f, 1.1f}});
  std::vector<Positions> images0, images1;
  std::vector<FeatureMatches> matches;
  PaddedScores pairs{torch::randn({2, 200, 180}), {200, 90}, {150, 180}};
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{200, 150}, {90, 180}}) {
    const auto xy = torch::rand({std::max(n, m), 2}) * 480;
    images0.push_back({xy.narrow(0, 0, n), 640, 480});
    images1.push_back({(torch::matmul(xy, map) + 30).narrow(0, 0, m), 640, 480});
    matches.push_back(NoMatches(n, m));
    const int64_t shared = std::min(n, m);
    for (auto* indices : {&matches.back().matches0, &matches.back().matches1})
      indices->narrow(0, 0, shared).copy_(torch::arange(shared));
    for (auto* scores : {&matches.back().matching_scores0, &matches.back().matching_scores1})
      scores->narrow(0, 0, shared).fill_(0.8);
  }
  const auto guide = [&](torch::Device device) {
    PaddedMatches padded = Padded(matches);
    for (auto* t : {&padded.matches0, &padded.matches1, &padded.matching_scores0, &padded.matching_scores1})
      *t = t->to(device);
    return GuideCouplings({pairs.scores.to(device), pairs.counts0, pairs.counts1}, padded,
                          {&images0[0], &images0[1]}, {&images1[0], &images1[1]})
        .cpu();
  };
  const auto expected = guide(torch::kCPU), found = guide(torch::kCUDA);
  for (int64_t i = 0; i < 2; ++i) {
    const auto k = static_cast<size_t>(i);
    const auto difference =
        (found - expected)[i].narrow(0, 0, pairs.counts0[k]).narrow(1, 0, pairs.counts1[k]);
    EXPECT_GT((difference.abs() < 1e-2).to(torch::kFloat).mean().item<double>(), 0.995) << i;
  }
}

TEST_F(FrontEndOnAGpu, MatchesTheSameKeypoints) {
  torch::manual_seed(5);
  LoadedSuperGlue weights = NearestNeighborSuperGlue({kDim, {16, 32}, 3});
  {
    torch::NoGradGuard no_grad;  // layers that do something
    for (auto& parameter : weights.network->parameters()) parameter.add_(0.02 * torch::randn_like(parameter));
  }
  const Features features0 = RandomFeatures(300, kDim), features1 = Shuffled(features0, 0.1);
  for (const int64_t n1 : {int64_t{1}, int64_t{170}, int64_t{300}}) {
    Features fewer = features1;
    fewer.keypoints = features1.keypoints.narrow(0, 0, n1);
    fewer.scores = features1.scores.narrow(0, 0, n1);
    fewer.descriptors = features1.descriptors.narrow(1, 0, n1);
    const FeatureMatches expected = MakeMatcher({weights, {}, torch::kCPU, {}, {}})->Match(features0, fewer);
    const FeatureMatches found = MakeMatcher({weights, {}, torch::kCUDA, {}, {}})->Match(features0, fewer);
    EXPECT_TRUE(found.matches0.equal(expected.matches0)) << n1;
    EXPECT_TRUE(TensorsNear(found.matching_scores0, expected.matching_scores0, 1e-3)) << n1;
    if (n1 == 300) {
      EXPECT_GT((expected.matches0 >= 0).sum().item<int64_t>(), 200);
    }
    weights.network->to(torch::kCPU);
  }
}

TEST_F(FrontEndOnAGpu, MatchesBatchesOfAnySizesInHalfPrecisionNearlyAsInFull) {
  torch::manual_seed(5);
  const LoadedSuperGlue weights = NearestNeighborSuperGlue({kDim, {16, 32}, 3});
  for (const Precision precision : {Precision::kFloat32, Precision::kBf16, Precision::kFp16}) {
    MatcherOptions options;
    options.precision = precision;
    options.batch_size = 3;
    const auto matcher = MakeMatcher({weights, options, torch::kCUDA, {}, {}});
    EXPECT_EQ(matcher->batch_size(), 3);
    std::vector<PreparedPair> pairs;
    for (const int64_t n : {300, 0, 170, 1, 300, 290, 64}) {
      const Features features0 = RandomFeatures(n, kDim);
      pairs.push_back(
          {matcher->Prepare(features0), matcher->Prepare(n > 1 ? Shuffled(features0, 0.1) : features0)});
    }
    const auto found = matcher->MatchBatch(pairs);
    ASSERT_EQ(found.size(), pairs.size());
    for (size_t i = 0; i < found.size(); ++i) {
      const FeatureMatches alone = matcher->Match(pairs[i].image0, pairs[i].image1);
      ASSERT_EQ(found[i].matches0.size(0), alone.matches0.size(0));
      if (alone.matches0.size(0) < 2) continue;
      EXPECT_GT((found[i].matches0 == alone.matches0).to(torch::kFloat).mean().item<double>(), 0.97) << i;
      EXPECT_GT((found[i].matches0 >= 0).to(torch::kFloat).mean().item<double>(), 0.5) << i;
    }
  }
}

// All of the GPU's memory that there is to have, for as long as it lives.
std::vector<torch::Tensor> AllMemory() {
  std::vector<torch::Tensor> taken;
  for (int64_t bytes = int64_t{1} << 36; bytes >= int64_t{1} << 20;) {
    try {
      taken.push_back(torch::empty({bytes}, torch::dtype(torch::kUInt8).device(torch::kCUDA)));
    } catch (const c10::Error&) {
      bytes /= 2;
    }
  }
  return taken;
}

TEST_F(FrontEndOnAGpu, WithoutRoomMatchesOnTheCpuAndThenOnTheGpuAgain) {
  torch::manual_seed(5);
  const LoadedSuperGlue weights = NearestNeighborSuperGlue({kDim, {16, 32}, 3});
  const Features features0 = RandomFeatures(3000, kDim), features1 = Shuffled(features0, 0.1);
  int shortages = 0;
  const auto count = [&](const std::string&, uint64_t) { ++shortages; };
  const auto matcher = MakeMatcher({weights, {}, torch::kCUDA, count, {}});
  const FeatureMatches expected = matcher->Match(features0, features1);
  EXPECT_EQ(shortages, 0);
  {
    const auto taken = AllMemory();
    const FeatureMatches found = matcher->Match(features0, features1);
    EXPECT_GT(shortages, 0);
    EXPECT_TRUE(found.matches0.equal(expected.matches0));
  }
  const int before = shortages;
  EXPECT_TRUE(matcher->Match(features0, features1).matches0.equal(expected.matches0));
  EXPECT_EQ(shortages, before);
}

}  // namespace
}  // namespace colmatch
