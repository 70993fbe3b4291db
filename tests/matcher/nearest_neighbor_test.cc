// Tests of the nearest-neighbour baselines against a brute-force search.
#include "matcher/nearest_neighbor.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <vector>

#include "tests/random_features.h"

namespace colmatch {
namespace {

constexpr int64_t kDim = 6;
const std::vector<std::pair<int64_t, int64_t>> kCounts = {{7, 5}, {5, 7}, {1, 6},  {6, 1},
                                                          {1, 1}, {2, 2}, {40, 30}};

double Cosine(const Features& a, int64_t i, const Features& b, int64_t j) {
  return torch::dot(a.descriptors.select(1, i), b.descriptors.select(1, j)).item<double>();
}

// Best and second best of image 1 for keypoint i of image 0.
struct Nearest {
  int64_t best = -1;
  double similarity = -2, second = -2;
};

Nearest NearestOf(const Features& a, int64_t i, const Features& b) {
  Nearest nearest;
  for (int64_t j = 0; j < b.size(); ++j) {
    const double similarity = Cosine(a, i, b, j);
    if (similarity > nearest.similarity) {
      nearest = {j, similarity, nearest.similarity};
    } else if (similarity > nearest.second) {
      nearest.second = similarity;
    }
  }
  return nearest;
}

std::vector<int64_t> BruteForce(const Features& a, const Features& b, const NearestNeighborOptions& options) {
  std::vector<int64_t> matches;
  for (int64_t i = 0; i < a.size(); ++i) {
    const Nearest nearest = NearestOf(a, i, b);
    bool keep = nearest.similarity >= options.min_similarity;
    if (options.mutual) keep = keep && NearestOf(b, nearest.best, a).best == i;
    if (options.max_ratio < 1 && b.size() > 1) {
      keep = keep &&
             std::sqrt(2 - 2 * nearest.similarity) <= options.max_ratio * std::sqrt(2 - 2 * nearest.second);
    }
    matches.push_back(keep ? nearest.best : kUnmatched);
  }
  return matches;
}

std::vector<int64_t> Listed(const torch::Tensor& indices) {
  return {indices.data_ptr<int64_t>(), indices.data_ptr<int64_t>() + indices.numel()};
}

void ExpectBruteForce(const NearestNeighborOptions& options) {
  for (const auto& [n, m] : kCounts) {
    const Features a = RandomFeatures(n, kDim), b = RandomFeatures(m, kDim);
    EXPECT_EQ(Listed(MatchNearestNeighbors(a, b, options).matches0), BruteForce(a, b, options))
        << n << " and " << m;
  }
}

TEST(NearestNeighbor, WithoutChecksEveryKeypointTakesItsMostSimilar) { ExpectBruteForce({false, 1, -1}); }
TEST(NearestNeighbor, MutualMatchesAreThoseOfABruteForceSearch) { ExpectBruteForce({true, 1, -1}); }
TEST(NearestNeighbor, TheRatioTestIsOnEuclideanDistances) { ExpectBruteForce({true, 0.9, -1}); }
TEST(NearestNeighbor, MatchesBelowTheLeastSimilarityAreDropped) { ExpectBruteForce({false, 1, 0.5}); }

TEST(NearestNeighbor, WithoutKeypointsNothingMatches) {
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{0, 5}, {5, 0}, {0, 0}}) {
    const auto matches = MatchNearestNeighbors(RandomFeatures(n, kDim), RandomFeatures(m, kDim), {});
    EXPECT_EQ(Listed(matches.matches0), std::vector<int64_t>(n, kUnmatched));
    EXPECT_EQ(Listed(matches.matches1), std::vector<int64_t>(m, kUnmatched));
    EXPECT_EQ(matches.matching_scores0.sizes(), (torch::IntArrayRef{n}));
    EXPECT_EQ(matches.matching_scores1.sizes(), (torch::IntArrayRef{m}));
  }
}

TEST(CountMutualNeighbors, CountsTheMatchesOfTheMutualCheckThatAreSimilarEnough) {
  for (const auto& [n, m] : kCounts) {
    const Features a = RandomFeatures(n, kDim), b = RandomFeatures(m, kDim);
    for (const double least : {-1.0, 0.2, 0.5, 0.99}) {
      EXPECT_EQ(CountMutualNeighbors(a.descriptors, b.descriptors, least),
                MatchNearestNeighbors(a, b, {true, 1, least}).matches0.ge(0).sum().item<int64_t>())
          << n << " and " << m << " at " << least;
    }
  }
  EXPECT_EQ(CountMutualNeighbors(torch::zeros({kDim, 0}), torch::ones({kDim, 3}), -1), 0);
  EXPECT_EQ(CountMutualNeighbors(torch::ones({kDim, 3}), torch::zeros({kDim, 0}), -1), 0);
}

TEST(NearestNeighbor, ShuffledKeypointsAreFoundAgain) {
  const Features a = RandomFeatures(50, 64), b = Shuffled(a, 0.02);
  const auto matches = MatchNearestNeighbors(a, b, {true, 0.8, 0.5});
  ASSERT_EQ(matches.matches0.ge(0).sum().item<int64_t>(), 50);
  EXPECT_TRUE(b.keypoints.index_select(0, matches.matches0).equal(a.keypoints));
}

TEST(NearestNeighbor, MutualMatchesAreTheSameWithTheImagesSwapped) {
  for (const auto& [n, m] : kCounts) {
    const Features a = RandomFeatures(n, kDim), b = RandomFeatures(m, kDim);
    const auto there = MatchNearestNeighbors(a, b, {}), back = MatchNearestNeighbors(b, a, {});
    EXPECT_EQ(Listed(there.matches0), Listed(back.matches1)) << n << " and " << m;
    EXPECT_EQ(Listed(there.matches1), Listed(back.matches0)) << n << " and " << m;
    EXPECT_TRUE(there.matching_scores1.allclose(back.matching_scores0, 1e-5, 1e-6));
  }
}

TEST(NearestNeighbor, TheConfidenceIsTheCosineMappedTo0And1) {
  const Features a = RandomFeatures(9, kDim), b = RandomFeatures(12, kDim);
  const auto matches = MatchNearestNeighbors(a, b, {});
  for (int64_t i = 0; i < 9; ++i) {
    const int64_t j = matches.matches0[i].item<int64_t>();
    const double expected = j < 0 ? 0 : 0.5 * (Cosine(a, i, b, j) + 1);
    EXPECT_NEAR(matches.matching_scores0[i].item<double>(), expected, 1e-5);
    if (j >= 0) EXPECT_NEAR(matches.matching_scores1[j].item<double>(), expected, 1e-5);
  }
}

// Two dimensions, unit descriptors at these angles.
Features AtAngles(const std::vector<double>& degrees) {
  Features features = RandomFeatures(static_cast<int64_t>(degrees.size()), 2);
  for (size_t i = 0; i < degrees.size(); ++i) {
    features.descriptors[0][i] = std::cos(degrees[i] * M_PI / 180);
    features.descriptors[1][i] = std::sin(degrees[i] * M_PI / 180);
  }
  return features;
}

// Keypoint 1 of image 0 takes keypoint 0 of image 1, whose own most similar takes keypoint 1.
TEST(NearestNeighbor, WithoutTheMutualCheckMatches1NamesTheMostSimilarThatChoseIt) {
  const auto matches = MatchNearestNeighbors(AtAngles({20, -40}), AtAngles({0, 30}), {false, 1, -1});
  EXPECT_EQ(Listed(matches.matches0), (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(Listed(matches.matches1), (std::vector<int64_t>{1, 0}));
  const auto shared = MatchNearestNeighbors(AtAngles({20, -5, -40}), AtAngles({0}), {false, 1, -1});
  EXPECT_EQ(Listed(shared.matches0), (std::vector<int64_t>{0, 0, 0}));
  EXPECT_EQ(Listed(shared.matches1), (std::vector<int64_t>{1}));
}

TEST(NearestNeighbor, TwoEqualDescriptorsFailTheRatioTest) {
  EXPECT_EQ(Listed(MatchNearestNeighbors(AtAngles({0}), AtAngles({0, 0}), {false, 0.8, -1}).matches0),
            (std::vector<int64_t>{kUnmatched}));
  EXPECT_EQ(Listed(MatchNearestNeighbors(AtAngles({0}), AtAngles({90, 0}), {false, 0.8, -1}).matches0),
            (std::vector<int64_t>{1}));
}

}  // namespace
}  // namespace colmatch
