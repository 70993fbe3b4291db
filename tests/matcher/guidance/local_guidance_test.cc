// Guided coupling scores: what they are for, and their invariances.
#include "matcher/guidance/local_guidance.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

#include "matcher/matcher_list.h"
#include "network/engines/batched_superglue.h"
#include "network/engines/pair_matching.h"
#include "tests/nearest_neighbor_superglue.h"
#include "tests/random_features.h"

namespace colmatch {
namespace {

constexpr double kThreshold = 0.2;
constexpr int kIterations = 100;

// Two photos of a plane: keypoint i of the first is keypoint i of the second, which has n decoys more, each
// five pixels beside one.
struct Plane {
  Positions image0, image1;
  torch::Tensor scores;  // (1, n, 2 n): a fifth of the keypoints prefer the decoy

  explicit Plane(int64_t n) {
    const auto xy = torch::rand({n, 2}) * torch::tensor({640.f, 480.f});
    const auto map = torch::tensor({{0.9f, 0.2f}, {-0.3f, 1.1f}});
    const auto right = torch::matmul(xy, map) + torch::tensor({30.f, 60.f});
    image0 = {xy, 640, 480};
    image1 = {torch::cat({right, right + 5}), 640, 480};
    scores = 0.1 * torch::randn({1, n, 2 * n});
    auto own = scores[0].narrow(1, 0, n).diagonal(), decoy = scores[0].narrow(1, n, n).diagonal();
    own.add_(12);
    decoy.add_(torch::where(torch::arange(n) % 5 == 0, torch::tensor(14.f), torch::tensor(9.f)));
  }

  PaddedScores Pair() const { return {scores, {scores.size(1)}, {scores.size(2)}}; }
  FeatureMatches Matched(const torch::Tensor& of) const {
    return MatchByTransport(of, torch::tensor(4.f), kIterations, kThreshold);
  }
  torch::Tensor Guided() const {
    return GuideCouplings(Pair(), Padded({Matched(scores)}), {&image0}, {&image1});
  }
  int64_t CountRight(const FeatureMatches& matches) const {
    return (matches.matches0 == torch::arange(scores.size(1))).sum().item<int64_t>();
  }
};

TEST(GuideCouplings, NearMissesBecomeMatches) {
  for (const int64_t n : {40, 200}) {
    const Plane plane(n);
    EXPECT_LE(plane.CountRight(plane.Matched(plane.scores)), n - n / 5);
    EXPECT_GE(plane.CountRight(plane.Matched(plane.Guided())), n - n / 20);
  }
}

// The first `count` keypoints matched with their own.
FeatureMatches FirstMatches(int64_t n, int64_t count) {
  FeatureMatches some = NoMatches(n, 2 * n);
  for (auto* matches : {&some.matches0, &some.matches1})
    matches->narrow(0, 0, count).copy_(torch::arange(count));
  for (auto* scores : {&some.matching_scores0, &some.matching_scores1})
    scores->narrow(0, 0, count).fill_(0.9);
  return some;
}

TEST(GuideCouplings, WithTooFewMatchesForAMapTheScoresStay) {
  const Plane plane(30);
  for (const int count : {0, 1, LocalFitOptions{}.min_neighbors - 1}) {
    const FeatureMatches few = FirstMatches(30, count);
    EXPECT_TRUE(
        GuideCouplings(plane.Pair(), Padded({few}), {&plane.image0}, {&plane.image1}).equal(plane.scores));
    const PaddedScores twice{plane.scores.repeat({2, 1, 1}), {30, 30}, {60, 60}};
    const auto both = GuideCouplings(twice, Padded({few, plane.Matched(plane.scores)}),
                                     {&plane.image0, &plane.image0}, {&plane.image1, &plane.image1});
    EXPECT_TRUE(both[0].equal(plane.scores[0]));
    EXPECT_FALSE(both[1].equal(plane.scores[0]));
  }
}

TEST(GuideCouplings, AKeypointAmongMatchesThatDoNotAgreeIsDoubted) {
  // Right-hand places at random: no map fits.
  Plane plane(30);
  plane.image1.keypoints = torch::rand({60, 2}) * 600;
  const auto guided =
      GuideCouplings(plane.Pair(), Padded({FirstMatches(30, 30)}), {&plane.image0}, {&plane.image1});
  const auto doubted = (guided - (plane.scores - GuidanceStrength{}.doubt)).abs() < 1e-4;
  EXPECT_GT(doubted.to(torch::kFloat).mean().item<double>(), 0.5);
}

TEST(GuideCouplings, APairInABatchIsThePairAlone) {
  const Plane large(60), small(25);
  auto scores = torch::zeros({2, 60, 120});
  scores[0].copy_(large.scores[0]);
  scores[1].narrow(0, 0, 25).narrow(1, 0, 50).copy_(small.scores[0]);
  const auto together = GuideCouplings({scores, {60, 25}, {120, 50}},
                                       Padded({large.Matched(large.scores), small.Matched(small.scores)}),
                                       {&large.image0, &small.image0}, {&large.image1, &small.image1});
  EXPECT_TRUE(torch::allclose(together[0], large.Guided()[0], 1e-4, 1e-4));
  EXPECT_TRUE(torch::allclose(together[1].narrow(0, 0, 25).narrow(1, 0, 50), small.Guided()[0], 1e-4, 1e-4));
  EXPECT_TRUE(together.isfinite().all().item<bool>());
}

TEST(GuideCouplings, ImagesSwappedGiveTheTransposedScores) {
  const Plane plane(80);
  const auto transposed = plane.scores.transpose(1, 2).contiguous();
  const auto swapped = GuideCouplings({transposed, {160}, {80}}, Padded({plane.Matched(transposed)}),
                                      {&plane.image1}, {&plane.image0});
  EXPECT_TRUE(torch::allclose(swapped.transpose(1, 2), plane.Guided(), 1e-3, 1e-3));
}

TEST(GuideCouplings, LargerPhotosOfTheSameGiveTheSameScores) {
  Plane plane(80);
  const auto guided = plane.Guided();
  for (Positions* image : {&plane.image0, &plane.image1}) *image = {4 * image->keypoints, 2560, 1920};
  EXPECT_TRUE(torch::allclose(plane.Guided(), guided, 1e-3, 1e-3));
}

Candidates CandidatesOf(const torch::Tensor& scores, float bin) {
  Candidates c;
  c.Reset(scores.size(2), bin);
  AddCandidates(scores.contiguous().data_ptr<float>(), scores.size(2), scores.size(1), kCandidateMargin, c);
  return c;
}

TEST(GuideCandidates, GuidesAsAllCouplingsAreAndBoundsWhatIsNotListed) {
  constexpr float kBin = 6;
  const Plane plane(150);
  const Candidates c = CandidatesOf(plane.scores, kBin);
  ASSERT_FALSE(c.too_many);
  Candidates guided;
  ASSERT_TRUE(GuideCandidates(c, plane.Matched(plane.scores), plane.image0, plane.image1, guided));
  const auto all = plane.Guided()[0];
  auto rest = (all.to(torch::kDouble) - kBin).exp();
  int64_t high = 0;
  for (int64_t i = 0; i < guided.rows; ++i) {
    for (int64_t e = guided.begin(i); e < guided.ends[static_cast<size_t>(i)]; ++e, ++high) {
      const int64_t j = guided.places[static_cast<size_t>(e)];
      EXPECT_NEAR(guided.scores[static_cast<size_t>(e)], all[i][j].item<float>(), 1e-4);
      rest[i][j] = 0;
    }
  }
  EXPECT_GT(high, 100);
  EXPECT_LE(high, c.count());
  const auto most = [](const std::vector<float>& omitted, const std::vector<float>& unsure) {
    return torch::tensor(omitted).to(torch::kDouble) + torch::tensor(unsure).to(torch::kDouble);
  };
  EXPECT_TRUE((rest.sum(1) <= most(guided.omitted0, guided.unsure0) * 1.0001).all().item<bool>());
  EXPECT_TRUE((rest.sum(0) <= most(guided.omitted1, guided.unsure1) * 1.0001).all().item<bool>());
}

TEST(GuideCandidates, WithTooFewMatchesForAMapNothingChanges) {
  const Plane plane(30);
  Candidates guided;
  EXPECT_FALSE(GuideCandidates(CandidatesOf(plane.scores, 4), FirstMatches(30, 4), plane.image0, plane.image1,
                               guided));
  EXPECT_EQ(guided.rows, 0);
}

// Descriptors alone decide.
LoadedSuperGlue NearestNeighborWeights(int rounds) {
  SuperGlueArchitecture architecture{32, {16}, 1};
  architecture.guidance_rounds = rounds;
  return NearestNeighborSuperGlue(architecture);
}

FeatureMatches MatchedWith(const LoadedSuperGlue& weights, int rounds, const Features& a, const Features& b) {
  MatcherSetup setup;
  setup.superglue = weights;
  setup.options.superglue.guidance_rounds = rounds;
  return MakeMatcher(std::move(setup))->Match(a, b);
}

TEST(FeatureMatcher, GuidesAsOftenAsTheWeightsAskUnlessToldOtherwise) {
  const Features a = RandomFeatures(100, 32), b = Shuffled(a, 0.25);
  const auto alone = MatchedWith(NearestNeighborWeights(0), -1, a, b),
             once = MatchedWith(NearestNeighborWeights(1), -1, a, b);
  EXPECT_GT((once.matches0 >= 0).sum().item<int64_t>(), (alone.matches0 >= 0).sum().item<int64_t>());
  EXPECT_TRUE(once.matching_scores0.equal(MatchedWith(NearestNeighborWeights(0), 1, a, b).matching_scores0));
  EXPECT_TRUE(alone.matching_scores0.equal(MatchedWith(NearestNeighborWeights(1), 0, a, b).matching_scores0));
  EXPECT_FALSE(
      once.matching_scores0.equal(MatchedWith(NearestNeighborWeights(2), -1, a, b).matching_scores0));
}

TEST(FeatureMatcher, GuidesFromNoOrOneKeypointToo) {
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{0, 5}, {5, 0}, {1, 1}, {1, 30}, {0, 0}}) {
    const auto matches =
        MatchedWith(NearestNeighborWeights(2), -1, RandomFeatures(n, 32), RandomFeatures(m, 32));
    EXPECT_EQ(matches.matches0.size(0), n);
    EXPECT_EQ(matches.matches1.size(0), m);
  }
}

TEST(BatchedSuperGlue, RefinesInTheRoundsThatAreAskedFor) {
  LoadedSuperGlue weights = NearestNeighborWeights(2);
  SuperGlue network = FoldBatchNorm(weights.network);
  BatchedSuperGlue engine(network, torch::kFloat);
  const Features a = RandomFeatures(60, 32), b = Shuffled(a, 0.25), none = RandomFeatures(0, 32);
  const Positions at_a{a.keypoints, a.width, a.height}, at_b{b.keypoints, b.width, b.height};
  int asked = 0;
  const auto guide = [&](const PaddedScores& pairs, const PaddedMatches& matches,
                         const std::vector<size_t>& which) {
    ++asked;
    EXPECT_EQ(which, std::vector<size_t>({1}));  // the first has no keypoints
    return GuideCouplings(pairs, matches, {&at_a}, {&at_b});
  };
  const auto found = MatchPreparedPairs(engine, {engine.Prepare(none), engine.Prepare(a)},
                                        {engine.Prepare(b), engine.Prepare(b)}, {}, guide);
  EXPECT_EQ(asked, 2);
  EXPECT_TRUE(found[1].matches0.equal(MatchedWith(weights, -1, a, b).matches0));
}

}  // namespace
}  // namespace colmatch
