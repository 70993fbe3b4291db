// The GPU's kernels of guidance, on the CPU (cuda_on_cpu.h), against the CPU's own.
#include "matcher/guidance/local_guidance_gpu.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>
#include <vector>

#include "matcher/guidance/local_fit_neighbors.h"
#include "matcher/guidance/local_guidance.h"
#include "tests/cuda_on_cpu.h"

namespace colmatch {
namespace {

#include "matcher/guidance/local_guidance_gpu-inl.h"

// Matches of two photos, some of them wrong, and any scores.
struct MatchedPair {
  Positions image0, image1;
  torch::Tensor scores;  // (1, n, m)
  FeatureMatches matches;

  MatchedPair(int64_t n, int64_t m, int64_t num_matches, double share_wrong) {
    const auto place = [](int64_t count) { return torch::rand({count, 2}) * torch::tensor({1280.f, 960.f}); };
    const auto map = torch::tensor({{0.45f, 0.1f}, {-0.15f, 0.5f}});
    image0 = {place(n), 1280, 960};
    image1 = {place(m) / 2, 640, 480};
    scores = 4 * torch::randn({1, n, m});
    matches = NoMatches(n, m);
    const auto right = torch::randperm(m).narrow(0, 0, num_matches), left = torch::randperm(n);
    for (int64_t k = 0; k < num_matches; ++k) {
      const int64_t i = left[k].item<int64_t>(), j = right[k].item<int64_t>();
      if (static_cast<double>(k) >= share_wrong * static_cast<double>(num_matches))
        image1.keypoints[j].copy_(torch::matmul(image0.keypoints[i], map) + 20 + torch::randn({2}));
      const float confidence = 0.2f + 0.8f * torch::rand({1}).item<float>();
      matches.matches0[i] = j;
      matches.matches1[j] = i;
      matches.matching_scores0[i] = matches.matching_scores1[j] = confidence;
    }
  }
};

torch::Tensor GuidedByKernels(const std::vector<MatchedPair>& pairs) {
  const GuidanceOptions options;
  std::vector<FeatureMatches> of_pairs;
  for (const MatchedPair& pair : pairs) of_pairs.push_back(pair.matches);
  const PaddedMatches matches = Padded(of_pairs);
  const int64_t b = matches.matches0.size(0), n = matches.matches0.size(1), m = matches.matches1.size(1);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  auto scores = torch::full({b, n, m}, 7.f), guided = torch::full({b, n, m}, nan);
  auto num_matches = torch::full({b}, -1, torch::kInt);
  std::vector<torch::Tensor> kept;  // while the kernels run
  const auto side = [&](Positions MatchedPair::*image, const torch::Tensor& of, const torch::Tensor& sure) {
    auto keypoints = torch::full({b, of.size(1), 2}, nan), scales = torch::empty({b});
    auto counts = torch::empty({b}, torch::kInt);
    for (int64_t i = 0; i < b; ++i) {
      const Positions& own = pairs[static_cast<size_t>(i)].*image;
      keypoints[i].narrow(0, 0, own.keypoints.size(0)).copy_(own.keypoints);
      counts[i] = own.keypoints.size(0);
      scales[i] = static_cast<float>(own.width) / static_cast<float>(options.longer_side);
    }
    auto places = torch::full({3, b, of.size(1)}, nan);
    kept.insert(kept.end(), {keypoints, scales, counts, places});
    return GpuGuidanceSide{of.size(1),
                           counts.data_ptr<int32_t>(),
                           keypoints.data_ptr<float>(),
                           of.data_ptr<int64_t>(),
                           sure.data_ptr<float>(),
                           scales.data_ptr<float>(),
                           places.data_ptr<float>()};
  };
  for (int64_t i = 0; i < b; ++i) {
    const auto& own = pairs[static_cast<size_t>(i)].scores;
    scores[i].narrow(0, 0, own.size(1)).narrow(1, 0, own.size(2)).copy_(own[0]);
  }
  GpuGuidance g{b, side(&MatchedPair::image0, matches.matches0, matches.matching_scores0),
                side(&MatchedPair::image1, matches.matches1, matches.matching_scores1), options.fit,
                options.strength};
  g.num_matches = num_matches.data_ptr<int32_t>();
  g.scores = scores.data_ptr<float>();
  g.guided = guided.data_ptr<float>();
  LaunchGuidance(g, [](auto kernel, dim3 grid, auto... arguments) {
    cuda_on_cpu::Launch(kernel, grid, kThreads, arguments...);
  });
  return guided;
}

void ExpectEachPairAsOnTheCpu(const std::vector<MatchedPair>& pairs) {
  const auto guided = GuidedByKernels(pairs);
  EXPECT_TRUE(guided.isfinite().all().item<bool>());
  for (size_t i = 0; i < pairs.size(); ++i) {
    const MatchedPair& pair = pairs[i];
    const int64_t n = pair.scores.size(1), m = pair.scores.size(2);
    const auto expected =
        GuideCouplings({pair.scores, {n}, {m}}, Padded({pair.matches}), {&pair.image0}, {&pair.image1});
    const auto found = guided[static_cast<int64_t>(i)].narrow(0, 0, n).narrow(1, 0, m);
    // Where a point's support is just at its bound, or two neighbours are equally far, rounding decides.
    const auto near = (found - expected[0]).abs() < 1e-2;
    EXPECT_GT(near.to(torch::kFloat).mean().item<double>(), 0.995) << "pair " << i << ": " << n << " x " << m;
  }
}

TEST(GuidanceOnGpu, GuidesEachPairOfABatchAsOnTheCpu) {
  ExpectEachPairAsOnTheCpu({MatchedPair(150, 170, 120, 0.2), MatchedPair(40, 30, 25, 0.1)});
  ExpectEachPairAsOnTheCpu({MatchedPair(300, 20, 15, 0)});
}

TEST(GuidanceOnGpu, MatchesThatDoNotAgreeAreDoubtedAsOnTheCpu) {
  ExpectEachPairAsOnTheCpu({MatchedPair(100, 100, 80, 1), MatchedPair(90, 110, 80, 0.6)});
}

TEST(GuidanceOnGpu, WithTooFewMatchesTheScoresStay) {
  const std::vector<MatchedPair> pairs = {MatchedPair(50, 60, LocalFitOptions{}.min_neighbors - 1, 0),
                                          MatchedPair(1, 1, 0, 0), MatchedPair(30, 1, 1, 0)};
  const auto guided = GuidedByKernels(pairs);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto& scores = pairs[i].scores;
    const auto own =
        guided[static_cast<int64_t>(i)].narrow(0, 0, scores.size(1)).narrow(1, 0, scores.size(2));
    EXPECT_TRUE(own.equal(scores[0])) << i;
  }
  EXPECT_TRUE((guided[1].narrow(0, 1, 49) == 7).all().item<bool>()) << "what is padded stays";
}

}  // namespace
}  // namespace colmatch
