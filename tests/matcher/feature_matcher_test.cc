// Tests of the matchers: their names, any number of keypoints, batches, the prefilter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "matcher/matcher_list.h"
#include "tests/nearest_neighbor_superglue.h"
#include "tests/random_features.h"
#include "util/error.h"

namespace colmatch {
namespace {

TEST(FindMatcher, KnowsItsNamesAndRefusesOthersListingThem) {
  EXPECT_EQ(MatcherNames(), (std::vector<std::string>{"superglue", "nn", "nn_mutual", "nn_ratio"}));
  for (const std::string& name : MatcherNames()) EXPECT_EQ(FindMatcher(name).name, name);
  for (const char* name : {"", "SuperGlue", "nn ", "sift", "superglue,nn"}) {
    try {
      FindMatcher(name);
      ADD_FAILURE() << name << " was taken";
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("superglue, nn, nn_mutual or nn_ratio")) << name;
    }
  }
}

std::unique_ptr<FeatureMatcher> Matcher(const LoadedSuperGlue& weights, const MatcherOptions& options,
                                        std::shared_ptr<PrefilterCounts> counts = {}) {
  return MakeMatcher({weights, options, torch::kCPU, {}, std::move(counts)});
}

std::unique_ptr<FeatureMatcher> Matcher(const std::string& name, const LoadedSuperGlue& weights = {}) {
  MatcherOptions options;
  options.matcher = name;
  return Matcher(weights, options);
}

TEST(FeatureMatcher, SuperGlueStartedAsNearestNeighborAgreesWithItWhereConfident) {
  const Features a = RandomFeatures(60, 32), b = Shuffled(a, 0.03);
  const auto superglue = Matcher("superglue", NearestNeighborSuperGlue({32, {8}, 2}, 40));
  const auto mutual = Matcher("nn_mutual");
  const FeatureMatches learned = superglue->Match(a, b), nearest = mutual->Match(a, b);
  EXPECT_EQ(learned.matches0.ge(0).sum().item<int64_t>(), 60) << "every keypoint is there, hardly changed";
  EXPECT_TRUE(learned.matches0.equal(nearest.matches0));
  EXPECT_TRUE(learned.matches1.equal(nearest.matches1));
  EXPECT_GT(learned.matching_scores0.min().item<double>(), 0.9);
}

TEST(FeatureMatcher, SuperGlueLeavesKeypointsThatAreNotThereUnmatched) {
  const Features a = RandomFeatures(30, 32), b = RandomFeatures(30, 32);
  const auto superglue = Matcher("superglue", NearestNeighborSuperGlue({32, {8}, 2}, 40));
  const auto mutual = Matcher("nn_mutual");
  EXPECT_GT(mutual->Match(a, b).matches0.ge(0).sum().item<int64_t>(), 5);
  EXPECT_LE(superglue->Match(a, b).matches0.ge(0).sum().item<int64_t>(), 2);
}

TEST(FeatureMatcher, EveryTypeTakesAnyNumberOfKeypoints) {
  for (const std::string& name : MatcherNames()) {
    const auto matcher = Matcher(name, NearestNeighborSuperGlue({8, {8}, 2}, 20));
    for (const auto& [n, m] :
         {std::pair<int64_t, int64_t>{0, 0}, {0, 4}, {4, 0}, {1, 1}, {1, 5}, {5, 1}, {6, 9}}) {
      const FeatureMatches matches = matcher->Match(RandomFeatures(n, 8), RandomFeatures(m, 8));
      EXPECT_EQ(matches.matches0.sizes(), (torch::IntArrayRef{n}));
      EXPECT_EQ(matches.matches1.sizes(), (torch::IntArrayRef{m}));
      EXPECT_TRUE(matches.matches0.lt(m).all().item<bool>());
      EXPECT_TRUE((matches.matching_scores0.ge(0) & matches.matching_scores0.le(1)).all().item<bool>());
    }
  }
}

bool SameBytes(const FeatureMatches& a, const FeatureMatches& b) {
  return a.matches0.equal(b.matches0) && a.matches1.equal(b.matches1) &&
         a.matching_scores0.equal(b.matching_scores0) && a.matching_scores1.equal(b.matching_scores1);
}

TEST(FeatureMatcher, AnImagePreparedOnceMatchesAllOthersBitForBitAsIfNot) {
  for (const char* name : {"superglue", "nn_mutual"}) {
    LoadedSuperGlue weights;
    weights.network = SuperGlue(SuperGlueArchitecture{32, {8}, 2});  // random: every layer changes something
    weights.network->eval();
    const auto matcher = Matcher(name, weights);
    const Features first = RandomFeatures(70, 32);
    const auto prepared = matcher->Prepare(first);
    for (const int64_t n : {0, 1, 69, 70, 71}) {
      const Features other = RandomFeatures(n, 32);
      EXPECT_TRUE(SameBytes(matcher->Match(prepared, matcher->Prepare(other)), matcher->Match(first, other)));
      EXPECT_TRUE(SameBytes(matcher->Match(matcher->Prepare(other), prepared), matcher->Match(other, first)));
    }
  }
}

TEST(FeatureMatcher, MissingWeightsAndBadOptionsAreUsageErrors) {
  EXPECT_THROW(Matcher("superglue"), UsageError);
  for (const double ratio : {0.0, -1.0, 1.5, std::nan("")}) {
    MatcherOptions options;
    options.matcher = "nn_ratio";
    options.max_ratio = ratio;
    EXPECT_THROW(Matcher(LoadedSuperGlue(), options), UsageError) << ratio;
  }
}

TEST(FeatureMatcher, InFewBitsItFindsTheMatchesOfFloat32) {
  const Features a = RandomFeatures(60, 32), b = Shuffled(a, 0.03);
  MatcherOptions options;
  const auto exact = Matcher(NearestNeighborSuperGlue({32, {8}, 2}, 40), options);
  for (const auto precision : {Precision::kBf16, Precision::kInt8}) {
    options.precision = precision;
    const auto matcher = Matcher(NearestNeighborSuperGlue({32, {8}, 2}, 40), options);
    for (const auto& [first, second] : {std::pair<Features, Features>{a, b}, {a, RandomFeatures(0, 32)}})
      EXPECT_TRUE(matcher->Match(first, second).matches0.equal(exact->Match(first, second).matches0));
  }
}

TEST(PrecisionFromName, KnowsItsNamesAndRefusesOthers) {
  EXPECT_EQ(PrecisionFromName("auto", torch::kCPU), FastestPrecision(torch::kCPU));
  for (const char* name : {"fp32", "bf16", "fp16", "int8"})
    EXPECT_EQ(NameOf(PrecisionFromName(name, torch::kCPU)), name);
  for (const char* name : {"", "fp8", "BF16"}) EXPECT_THROW(PrecisionFromName(name, torch::kCPU), UsageError);
}

TEST(FeatureMatcher, ABatchIsEachPairInItsOrder) {
  torch::manual_seed(4);
  const LoadedSuperGlue weights = NearestNeighborSuperGlue({16, {8}, 2}, 20);
  for (const char* name : {"superglue", "nn_mutual"}) {
    MatcherOptions options;
    options.matcher = name;
    const auto matcher = Matcher(weights, options);
    EXPECT_EQ(matcher->batch_size(), 1);
    std::vector<PreparedPair> pairs;
    std::vector<FeatureMatches> expected;
    for (const int64_t n : {30, 0, 7, 1, 50}) {
      const Features features0 = RandomFeatures(n, 16), features1 = RandomFeatures(20, 16);
      expected.push_back(matcher->Match(features0, features1));
      pairs.push_back({matcher->Prepare(features0), matcher->Prepare(features1)});
    }
    const auto found = matcher->MatchBatch(pairs);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(found[i].matches0.equal(expected[i].matches0)) << i;
    EXPECT_TRUE(matcher->MatchBatch({}).empty());
  }
  MatcherOptions none;
  none.matcher = "nn";
  none.batch_size = 0;
  EXPECT_THROW(Matcher(LoadedSuperGlue(), none), UsageError);
}

TEST(FeatureMatcher, AnUnpromisingPairHasNoMatchesAndTheOthersWhatTheyHadAnyway) {
  torch::manual_seed(5);
  MatcherOptions options;
  const auto every = Matcher(NearestNeighborSuperGlue({32, {8}, 2}, 40), options);
  options.prefilter = {5, 0.9};
  const auto counts = std::make_shared<PrefilterCounts>();
  const auto some = Matcher(NearestNeighborSuperGlue({32, {8}, 2}, 40), options, counts);
  const Features a = RandomFeatures(60, 32), like_a = Shuffled(a, 0.03), other = RandomFeatures(40, 32),
                 none = RandomFeatures(0, 32);
  const auto prepared = [&](const Features& features) { return some->Prepare(features); };
  const auto found = some->MatchBatch(
      {{prepared(other), prepared(a)}, {prepared(a), prepared(like_a)}, {prepared(none), prepared(a)}});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].matches0.sizes(), (torch::IntArrayRef{40}));
  EXPECT_TRUE(found[0].matches0.eq(kUnmatched).all().item<bool>());
  EXPECT_TRUE(found[0].matches1.eq(kUnmatched).all().item<bool>());
  EXPECT_TRUE(found[1].matches0.equal(every->Match(a, like_a).matches0));
  EXPECT_EQ(found[2].matches1.sizes(), (torch::IntArrayRef{60}));
  EXPECT_EQ(counts->skipped, 2);
  EXPECT_EQ(counts->tested, 3);
  options.prefilter.min_similarity = 2;
  EXPECT_THROW(Matcher(NearestNeighborSuperGlue({32, {8}, 2}, 40), options), UsageError);
}

TEST(FeatureMatcher, TestsPairsAsTheWeightsAskUnlessToldOtherwise) {
  torch::manual_seed(5);
  SuperGlueArchitecture asks{32, {8}, 2};
  asks.min_neighbors = 5;
  asks.neighbor_similarity = 0.9;
  const Features a = RandomFeatures(60, 32), other = RandomFeatures(40, 32);
  for (const int told : {-1, 0}) {
    for (const auto precision : {Precision::kFloat32, Precision::kBf16}) {
      MatcherOptions options;
      options.prefilter.min_neighbors = told;
      options.precision = precision;
      const auto counts = std::make_shared<PrefilterCounts>();
      const auto matcher = Matcher(NearestNeighborSuperGlue(asks, 40), options, counts);
      matcher->Match(a, other);
      EXPECT_EQ(counts->skipped, told == 0 ? 0 : 1);
      matcher->Match(a, Shuffled(a, 0.01));
      EXPECT_EQ(counts->skipped, told == 0 ? 0 : 1);
    }
  }
}

TEST(FeatureMatcher, PrecisionsThatTheDeviceLacksAreRefused) {
  LoadedSuperGlue weights;
  weights.network = SuperGlue(SuperGlueArchitecture{16, {8}, 1});
  MatcherOptions options;
  options.precision = Precision::kFp16;
  EXPECT_THROW(Matcher(weights, options), UsageError);
}

}  // namespace
}  // namespace colmatch
