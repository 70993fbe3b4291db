// Similar neighbours, counted without a matrix, against those of the mutual check over all of it.
#include "matcher/prefilter.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "matcher/nearest_neighbor.h"
#include "util/error.h"

namespace colmatch {
namespace {

torch::Tensor Unit(const torch::Tensor& d) { return d / d.norm(2, 0, true); }

TEST(CountSimilarNeighbors, IsTheCountOfTheMutualCheckOverAllProducts) {
  for (const int64_t dim : {7, 32, 128}) {
    for (const auto& [n, m] : {std::pair<int64_t, int64_t>{1, 1}, {5, 300}, {300, 150}, {33, 70}}) {
      const auto a = Unit(torch::randn({dim, n}));
      auto b = Unit(torch::randn({dim, m}));
      const int64_t shared = std::min(n, m) / 2;
      b.narrow(1, 0, shared).copy_(Unit(a.narrow(1, 0, shared) + 0.05 * torch::randn({dim, shared})));
      for (const double least : {-1.0, 0.0, 0.7, 0.95}) {
        const int64_t expected = CountMutualNeighbors(a, b, least);
        EXPECT_EQ(CountSimilarNeighbors(PrepareForPrefilter(a, false), PrepareForPrefilter(b, false), least),
                  expected);
        // In bf16 a cosine near the bound or a rival may fall on the other side.
        EXPECT_NEAR(static_cast<double>(CountSimilarNeighbors(PrepareForPrefilter(a, true),
                                                              PrepareForPrefilter(b, true), least)),
                    static_cast<double>(expected), 1 + 0.05 * static_cast<double>(expected))
            << dim << ' ' << n << ' ' << m << ' ' << least;
      }
    }
  }
}

TEST(CountSimilarNeighbors, NoKeypointsHaveNoNeighbors) {
  const auto some = PrepareForPrefilter(torch::ones({8, 3}), true),
             none = PrepareForPrefilter(torch::zeros({8, 0}), true);
  EXPECT_EQ(CountSimilarNeighbors(some, none, -1), 0);
  EXPECT_EQ(CountSimilarNeighbors(none, some, -1), 0);
}

TEST(PrefilterOptions, TheWeightsDecideWhatIsNotSaid) {
  SuperGlueArchitecture weights;
  EXPECT_EQ(PrefilterOptions{}.ResolvedFor(weights).min_neighbors, 0);
  weights.min_neighbors = 3;
  weights.neighbor_similarity = 0.7;
  EXPECT_EQ(PrefilterOptions{}.ResolvedFor(weights).min_neighbors, 3);
  EXPECT_EQ(PrefilterOptions{}.ResolvedFor(weights).min_similarity, 0.7);
  EXPECT_EQ((PrefilterOptions{0, 0.5}.ResolvedFor(weights).min_neighbors), 0);
  EXPECT_EQ((PrefilterOptions{2, 0.5}.ResolvedFor(weights).min_similarity), 0.5);
  EXPECT_THROW((PrefilterOptions{-2, 0.5}.Validate()), UsageError);
  EXPECT_THROW((PrefilterOptions{1, 1.5}.Validate()), UsageError);
}

}  // namespace
}  // namespace colmatch
