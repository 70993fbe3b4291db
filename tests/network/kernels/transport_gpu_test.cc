// The GPU's kernels of optimal transport, on the CPU (cuda_on_cpu.h), against the CPU's own.
#include "network/kernels/transport_gpu.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>
#include <utility>
#include <vector>

#include "network/engines/transport.h"
#include "network/kernels/transport_iterations.h"
#include "tests/cuda_on_cpu.h"
#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

#include "network/kernels/transport_gpu-inl.h"

struct Transported {
  torch::Tensor matches0, matches1, scores0, scores1, left_range;
};

// What is padded is NaN: whoever reads it is found out.
struct PaddedPairs {
  std::vector<int64_t> counts0, counts1;
  torch::Tensor scores;  // (B, N, M)

  PaddedPairs(const std::vector<std::pair<int64_t, int64_t>>& counts, double scale) {
    int64_t rows = 0, columns = 0;
    for (const auto& [n, m] : counts) {
      counts0.push_back(n);
      counts1.push_back(m);
      rows = std::max(rows, n);
      columns = std::max(columns, m);
    }
    scores = torch::full({static_cast<int64_t>(counts.size()), rows, columns},
                         std::numeric_limits<float>::quiet_NaN());
    for (size_t i = 0; i < counts.size(); ++i) Of(i).copy_(scale * torch::randn_like(Of(i)));
  }

  torch::Tensor Of(size_t i) const {
    return scores.narrow(0, static_cast<int64_t>(i), 1).narrow(1, 0, counts0[i]).narrow(2, 0, counts1[i]);
  }

  Transported Match(float bin, int iterations, float threshold) const {
    const auto ints = [](const std::vector<int64_t>& counts) {
      return torch::tensor(counts).to(torch::kInt);
    };
    const auto n = ints(counts0), m = ints(counts1);
    const int64_t pairs = scores.size(0), rows = scores.size(1), columns = scores.size(2);
    Transported out{torch::full({pairs, rows}, 77, torch::kLong),
                    torch::full({pairs, columns}, 77, torch::kLong), torch::full({pairs, rows}, 77.f),
                    torch::full({pairs, columns}, 77.f), torch::zeros({pairs}, torch::kInt)};
    GpuTransport t;
    t.scores = scores.data_ptr<float>();
    t.counts0 = n.data_ptr<int32_t>();
    t.counts1 = m.data_ptr<int32_t>();
    t.bin_score = &bin;
    t.pairs = pairs;
    t.rows = rows;
    t.columns = columns;
    t.iterations = iterations;
    t.match_threshold = threshold;
    auto floats = torch::full({TransportScratch::Floats(t)}, std::numeric_limits<float>::quiet_NaN());
    auto scratch = torch::zeros({TransportScratch::Ints(t)}, torch::kInt);
    t.floats = floats.data_ptr<float>();
    t.ints = scratch.data_ptr<int32_t>();
    t.matches0 = out.matches0.data_ptr<int64_t>();
    t.matches1 = out.matches1.data_ptr<int64_t>();
    t.scores0 = out.scores0.data_ptr<float>();
    t.scores1 = out.scores1.data_ptr<float>();
    t.left_range = out.left_range.data_ptr<int32_t>();
    LaunchTransport(t, [](auto kernel, dim3 grid, auto... arguments) {
      cuda_on_cpu::Launch(kernel, grid, kThreads, arguments...);
    });
    return out;
  }
};

void ExpectEachPairAlone(const PaddedPairs& pairs, float bin, int iterations) {
  constexpr double kThreshold = 0.2;
  const Transported found = pairs.Match(bin, iterations, kThreshold);
  for (size_t i = 0; i < pairs.counts0.size(); ++i) {
    const auto alone = MatchByTransport(pairs.Of(i), torch::tensor(bin), iterations, kThreshold);
    const auto place = static_cast<int64_t>(i);
    const auto cut = [&](const torch::Tensor& x, int64_t count) { return x[place].narrow(0, 0, count); };
    const auto rest = [&](const torch::Tensor& x, int64_t count) {
      return x[place].narrow(0, count, x.size(1) - count);
    };
    const int64_t n = pairs.counts0[i], m = pairs.counts1[i];
    EXPECT_TRUE(cut(found.matches0, n).equal(alone.matches0)) << i << ": " << n << " x " << m;
    EXPECT_TRUE(cut(found.matches1, m).equal(alone.matches1)) << i << ": " << n << " x " << m;
    EXPECT_TRUE(TensorsNear(cut(found.scores0, n), alone.matching_scores0, 1e-4)) << i;
    EXPECT_TRUE(TensorsNear(cut(found.scores1, m), alone.matching_scores1, 1e-4)) << i;
    EXPECT_TRUE((rest(found.matches0, n) == kUnmatched).all().item<bool>());
    EXPECT_TRUE((rest(found.matches1, m) == kUnmatched).all().item<bool>());
    EXPECT_TRUE((rest(found.scores0, n) == 0).all().item<bool>());
    EXPECT_TRUE((rest(found.scores1, m) == 0).all().item<bool>());
    EXPECT_EQ(found.left_range[place].item<int>(), 0);
  }
}

TEST(TransportOnGpu, APairOfABatchIsMatchedAsOnTheCpu) {
  ExpectEachPairAlone(PaddedPairs({{1, 1}, {40, 30}, {1, 90}, {90, 1}, {70, 70}}, 4), 3, 100);
  ExpectEachPairAlone(PaddedPairs({{130, 33}, {65, 64}}, 8), 3, 20);
}

TEST(TransportOnGpu, ImagesOfAnyNumberOfKeypointsAreMatched) {
  // A size for each width of the kernels, and one column beside it.
  for (const int64_t m : {511, 512, 1279, 1280, 2304, 4352})
    ExpectEachPairAlone(PaddedPairs({{9, m}, {70, 5}}, 4), 2, 10);
  // More rows than parts of the usual size.
  ExpectEachPairAlone(PaddedPairs({{kRowsOfPart * kMostParts + 500, 9}}, 4), 2, 5);
}

TEST(TransportOnGpu, AsManyIterationsAsAskedForAreDoneUnlessTheyConverge) {
  const PaddedPairs pairs({{50, 60}, {60, 50}}, 6);
  for (const int iterations : {1, 2, 3, 7}) ExpectEachPairAlone(pairs, 1, iterations);
  // A pair that converges stays as it is while the other goes on.
  PaddedPairs two({{20, 20}, {60, 60}}, 1);
  two.Of(1).mul_(8);
  ExpectEachPairAlone(two, 1, 300);
}

TEST(TransportOnGpu, WhatFloat32CannotHoldIsSaid) {
  PaddedPairs pairs({{40, 40}, {30, 20}}, 400);
  pairs.Of(1).mul_(0.01);
  EXPECT_TRUE(pairs.Match(3, 100, 0.2f).left_range.equal(torch::tensor({1, 0}, torch::kInt)));
}

TEST(TransportOnGpu, TheSameNumbersComeOutEveryTime) {
  const PaddedPairs pairs({{140, 70}, {60, 150}}, 5);
  const Transported once = pairs.Match(2, 30, 0.2f), again = pairs.Match(2, 30, 0.2f);
  EXPECT_TRUE(once.scores0.equal(again.scores0));
  EXPECT_TRUE(once.scores1.equal(again.scores1));
}

}  // namespace
}  // namespace colmatch
