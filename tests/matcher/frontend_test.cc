// Tests of the front end: names, extraction, matching with SuperGlue, and lists of matches.
#include "matcher/frontend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <set>

#include "tests/nearest_neighbor_superglue.h"
#include "tests/random_features.h"
#include "util/error.h"

namespace colmatch {
namespace {

FeatureExtractor Extractor(int max_num_features = 30, const std::vector<double>& scales = {}) {
  torch::manual_seed(3);
  LoadedSuperPoint weights;
  weights.network = SuperPoint(SuperPointArchitecture{{4, 4, 8, 8}, 8, 12, false});
  weights.network->eval();
  KeypointOptions options;
  options.max_num_features = max_num_features;
  options.keypoint_threshold = 0;
  options.refinement_radius = 0;
  options.scales = scales;
  return {weights, options, torch::kCPU};
}

std::vector<float> RandomPixels(int width, int height) {
  const auto pixels = torch::rand({height * width});
  return {pixels.data_ptr<float>(), pixels.data_ptr<float>() + pixels.numel()};
}

bool SameBytes(const Features& a, const Features& b) {
  return a.keypoints.equal(b.keypoints) && a.scores.equal(b.scores) && a.descriptors.equal(b.descriptors);
}

TEST(MatcherTypeFromName, KnowsItsNamesAndRefusesOthersListingThem) {
  const std::map<std::string, MatcherType> names = {{"superglue", MatcherType::kSuperGlue},
                                                    {"nn", MatcherType::kNearestNeighbor},
                                                    {"nn_mutual", MatcherType::kMutualNearestNeighbor},
                                                    {"nn_ratio", MatcherType::kRatioTest}};
  for (const auto& [name, type] : names) EXPECT_EQ(MatcherTypeFromName(name), type) << name;
  for (const char* name : {"", "SuperGlue", "nn ", "sift", "superglue,nn"}) {
    try {
      MatcherTypeFromName(name);
      ADD_FAILURE() << name << " was taken";
    } catch (const UsageError& error) {
      for (const auto& known : names) EXPECT_THAT(error.what(), testing::HasSubstr(known.first)) << name;
    }
  }
}

TEST(FeatureExtractor, FindsKeypointsInsideTheImageWithUnitDescriptors) {
  FeatureExtractor extractor = Extractor();
  const Features features = extractor.Extract(RandomPixels(70, 53).data(), 70, 53);
  EXPECT_EQ(features.size(), 30);
  EXPECT_EQ(features.width, 70);
  EXPECT_EQ(features.height, 53);
  EXPECT_GE(features.keypoints.min().item<double>(), 4);
  EXPECT_LT(features.keypoints.select(1, 0).max().item<double>(), 64 - 4);
  EXPECT_LT(features.keypoints.select(1, 1).max().item<double>(), 48 - 4);
  EXPECT_EQ(features.descriptors.sizes(), (torch::IntArrayRef{12, 30}));
  EXPECT_TRUE(features.descriptors.norm(2, 0).allclose(torch::ones({30}), 1e-4, 1e-5));
  EXPECT_FALSE(features.descriptors.requires_grad());
}

TEST(FeatureExtractor, DescribesKeypointsAsTheTurnedImageWould) {
  constexpr int kWidth = 72, kHeight = 56;
  for (const auto& [k, scales] : std::vector<std::pair<int, std::vector<double>>>{
           {1, {1}}, {2, {1}}, {3, {1}}, {1, {1.5, 1, 0.5}}, {3, {2}}}) {
    FeatureExtractor extractor = Extractor(/*max_num_features=*/1000, scales);
    const auto pixels = RandomPixels(kWidth, kHeight);
    const auto image = torch::from_blob(const_cast<float*>(pixels.data()), {kHeight, kWidth});
    const auto turned_image = image.rot90(-k, {0, 1}).contiguous();
    const Features expected =
        extractor.Extract(turned_image.data_ptr<float>(), static_cast<int>(turned_image.size(1)),
                          static_cast<int>(turned_image.size(0)));
    // Its keypoints, where they are in the image as it is.
    Features features = expected;
    features.keypoints = TurnPoints(expected.keypoints, expected.width, expected.height, -k);
    const auto turned = extractor.DescribeTurned(pixels.data(), kWidth, kHeight, features);
    EXPECT_TRUE(turned[static_cast<size_t>(k - 1)].allclose(expected.descriptors, 1e-4, 1e-5)) << k;
  }
}

TEST(FeatureExtractor, LooksAtTheImageAtTheScalesAskedForAndElseAtThoseOfTheWeights) {
  LoadedSuperPoint weights;
  SuperPointArchitecture architecture{{4, 4, 8, 8}, 8, 12, false};
  architecture.scales = {1, 0.5};
  weights.network = SuperPoint(architecture);
  KeypointOptions options;
  options.keypoint_threshold = 0;
  EXPECT_EQ(FeatureExtractor(weights, options, torch::kCPU).scales(), architecture.scales);
  options.scales = {1.5, 1};
  FeatureExtractor extractor(weights, options, torch::kCPU);
  EXPECT_EQ(extractor.scales(), options.scales);
  const Features features = extractor.Extract(RandomPixels(90, 60).data(), 90, 60);
  ASSERT_EQ(features.scales.sizes(), (torch::IntArrayRef{features.size()}));
  EXPECT_GT((features.scales < 1).sum().item<int64_t>(), 0);
  EXPECT_GT((features.scales == 1).sum().item<int64_t>(), 0);
}

TEST(FeatureExtractor, DescribesNoKeypointsByNoDescriptors) {
  FeatureExtractor extractor = Extractor();
  const auto turned = extractor.DescribeTurned(RandomPixels(5, 5).data(), 5, 5, {});
  for (const auto& descriptors : turned) EXPECT_EQ(descriptors.sizes(), (torch::IntArrayRef{12, 0}));
}

TEST(FeatureExtractor, TheSameImageTwiceGivesTheSameBytes) {
  FeatureExtractor extractor = Extractor(), again = Extractor();
  const auto pixels = RandomPixels(64, 48);
  const Features first = extractor.Extract(pixels.data(), 64, 48);
  EXPECT_TRUE(SameBytes(first, extractor.Extract(pixels.data(), 64, 48)));
  EXPECT_TRUE(SameBytes(first, again.Extract(pixels.data(), 64, 48)));
}

TEST(FeatureExtractor, AnImageUnder8By8HasNoKeypoints) {
  FeatureExtractor extractor = Extractor();
  for (const auto& [width, height] : {std::pair<int, int>{7, 100}, {100, 7}, {1, 1}, {7, 7}}) {
    const Features features = extractor.Extract(RandomPixels(width, height).data(), width, height);
    EXPECT_EQ(features.keypoints.sizes(), (torch::IntArrayRef{0, 2}));
    EXPECT_EQ(features.scores.sizes(), (torch::IntArrayRef{0}));
    EXPECT_EQ(features.descriptors.sizes(), (torch::IntArrayRef{12, 0}));
    EXPECT_EQ(features.width, width);
    EXPECT_EQ(features.height, height);
  }
}

TEST(FeatureExtractor, TheSmallestImagesHaveNoRoomBetweenTheirBordersButAreFine) {
  FeatureExtractor extractor = Extractor();
  EXPECT_EQ(extractor.Extract(RandomPixels(8, 8).data(), 8, 8).size(), 0);
  EXPECT_GT(extractor.Extract(RandomPixels(16, 16).data(), 16, 16).size(), 0);
}

TEST(FeatureExtractor, OptionsOutOfRangeAreRefused) {
  LoadedSuperPoint weights;
  weights.network = SuperPoint(SuperPointArchitecture{{4, 4, 8, 8}, 8, 12, false});
  KeypointOptions options;
  options.nms_radius = -1;
  EXPECT_THROW(FeatureExtractor(weights, options, torch::kCPU), UsageError);
}

FeatureMatcher Matcher(MatcherType type, LoadedSuperGlue weights = {}) {
  MatcherOptions options;
  options.type = type;
  return {weights, options, torch::kCPU};
}

TEST(FeatureMatcher, SuperGlueStartedAsNearestNeighborAgreesWithItWhereConfident) {
  const Features a = RandomFeatures(60, 32), b = Shuffled(a, 0.03);
  FeatureMatcher superglue = Matcher(MatcherType::kSuperGlue, NearestNeighborSuperGlue({32, {8}, 2}, 40));
  FeatureMatcher mutual = Matcher(MatcherType::kMutualNearestNeighbor);
  const FeatureMatches learned = superglue.Match(a, b), nearest = mutual.Match(a, b);
  EXPECT_EQ(learned.matches0.ge(0).sum().item<int64_t>(), 60) << "every keypoint is there, hardly changed";
  EXPECT_TRUE(learned.matches0.equal(nearest.matches0));
  EXPECT_TRUE(learned.matches1.equal(nearest.matches1));
  EXPECT_GT(learned.matching_scores0.min().item<double>(), 0.9);
}

TEST(FeatureMatcher, SuperGlueLeavesKeypointsThatAreNotThereUnmatched) {
  const Features a = RandomFeatures(30, 32), b = RandomFeatures(30, 32);
  FeatureMatcher superglue = Matcher(MatcherType::kSuperGlue, NearestNeighborSuperGlue({32, {8}, 2}, 40));
  FeatureMatcher mutual = Matcher(MatcherType::kMutualNearestNeighbor);
  EXPECT_GT(mutual.Match(a, b).matches0.ge(0).sum().item<int64_t>(), 5);
  EXPECT_LE(superglue.Match(a, b).matches0.ge(0).sum().item<int64_t>(), 2);
}

TEST(FeatureMatcher, EveryTypeTakesAnyNumberOfKeypoints) {
  for (const MatcherType type : {MatcherType::kSuperGlue, MatcherType::kNearestNeighbor,
                                 MatcherType::kMutualNearestNeighbor, MatcherType::kRatioTest}) {
    FeatureMatcher matcher = Matcher(type, NearestNeighborSuperGlue({8, {8}, 2}, 20));
    for (const auto& [n, m] :
         {std::pair<int64_t, int64_t>{0, 0}, {0, 4}, {4, 0}, {1, 1}, {1, 5}, {5, 1}, {6, 9}}) {
      const FeatureMatches matches = matcher.Match(RandomFeatures(n, 8), RandomFeatures(m, 8));
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
  for (const MatcherType type : {MatcherType::kSuperGlue, MatcherType::kMutualNearestNeighbor}) {
    LoadedSuperGlue weights;
    weights.network = SuperGlue(SuperGlueArchitecture{32, {8}, 2});  // random: every layer changes something
    weights.network->eval();
    FeatureMatcher matcher = Matcher(type, weights);
    const Features first = RandomFeatures(70, 32);
    const PreparedImage prepared = matcher.Prepare(first);
    for (const int64_t n : {0, 1, 69, 70, 71}) {
      const Features other = RandomFeatures(n, 32);
      EXPECT_TRUE(SameBytes(matcher.Match(prepared, matcher.Prepare(other)), matcher.Match(first, other)));
      EXPECT_TRUE(SameBytes(matcher.Match(matcher.Prepare(other), prepared), matcher.Match(other, first)));
    }
  }
}

TEST(FeatureMatcher, MissingWeightsAndBadOptionsAreUsageErrors) {
  EXPECT_THROW(Matcher(MatcherType::kSuperGlue), UsageError);
  for (const double ratio : {0.0, -1.0, 1.5, std::nan("")}) {
    MatcherOptions options;
    options.type = MatcherType::kRatioTest;
    options.max_ratio = ratio;
    EXPECT_THROW(FeatureMatcher({}, options, torch::kCPU), UsageError) << ratio;
  }
}

TEST(FeatureMatcher, InFewBitsItFindsTheMatchesOfFloat32) {
  const Features a = RandomFeatures(60, 32), b = Shuffled(a, 0.03);
  MatcherOptions options;
  FeatureMatcher exact(NearestNeighborSuperGlue({32, {8}, 2}, 40), options, torch::kCPU);
  for (const auto precision : {Precision::kBf16, Precision::kInt8}) {
    options.precision = precision;
    FeatureMatcher matcher(NearestNeighborSuperGlue({32, {8}, 2}, 40), options, torch::kCPU);
    for (const auto& [first, second] : {std::pair<Features, Features>{a, b}, {a, RandomFeatures(0, 32)}})
      EXPECT_TRUE(matcher.Match(first, second).matches0.equal(exact.Match(first, second).matches0));
  }
}

TEST(PrecisionFromName, KnowsItsNamesAndRefusesOthers) {
  EXPECT_EQ(PrecisionFromName("auto", torch::kCPU), FastestPrecision(torch::kCPU));
  for (const char* name : {"fp32", "bf16", "fp16", "int8"})
    EXPECT_EQ(NameOf(PrecisionFromName(name, torch::kCPU)), name);
  for (const char* name : {"", "fp8", "BF16"}) EXPECT_THROW(PrecisionFromName(name, torch::kCPU), UsageError);
}

FeatureMatches MatchesOf(const std::vector<int64_t>& matches0, const std::vector<float>& scores0, int64_t m) {
  FeatureMatches matches;
  matches.matches0 = torch::tensor(matches0, torch::kLong);
  matches.matching_scores0 = torch::tensor(scores0);
  matches.matches1 = torch::full({m}, kUnmatched, torch::kLong);
  return matches;
}

TEST(ListMatches, OfSeveralThatChoseTheSameTheMostConfidentStays) {
  const auto list = ListMatches(MatchesOf({2, -1, 2, 0, 2}, {0.5f, 0, 0.9f, 0.3f, 0.7f}, 3));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].index0, 2);
  EXPECT_EQ(list[0].index1, 2);
  EXPECT_EQ(list[0].confidence, 0.9f);
  EXPECT_EQ(list[1].index0, 3);
  EXPECT_EQ(list[1].index1, 0);
}

TEST(ListMatches, KeepsEveryKeypointAtMostOnceByRisingIndex) {
  FeatureMatcher matcher = Matcher(MatcherType::kNearestNeighbor);
  const Features a = RandomFeatures(80, 6), b = RandomFeatures(50, 6);
  const FeatureMatches matches = matcher.Match(a, b);
  const auto list = ListMatches(matches);
  std::set<int> used1, chosen;
  for (size_t i = 0; i < list.size(); ++i) {
    EXPECT_TRUE(used1.insert(list[i].index1).second) << list[i].index1;
    if (i > 0) EXPECT_GT(list[i].index0, list[i - 1].index0);
    EXPECT_EQ(matches.matches0[list[i].index0].item<int64_t>(), list[i].index1);
  }
  for (int64_t i = 0; i < 80; ++i) chosen.insert(static_cast<int>(matches.matches0[i].item<int64_t>()));
  EXPECT_EQ(used1, chosen) << "nothing that was chosen is lost";
}

TEST(ListMatches, OfNothingIsEmpty) {
  EXPECT_TRUE(ListMatches(MatchesOf({}, {}, 5)).empty());
  EXPECT_TRUE(ListMatches(MatchesOf({-1, -1}, {0, 0}, 0)).empty());
}

TEST(FeatureMatcher, ABatchIsEachPairInItsOrder) {
  torch::manual_seed(4);
  const LoadedSuperGlue weights = NearestNeighborSuperGlue({16, {8}, 2}, 20);
  for (const MatcherType type : {MatcherType::kSuperGlue, MatcherType::kMutualNearestNeighbor}) {
    MatcherOptions options;
    options.type = type;
    FeatureMatcher matcher(weights, options, torch::kCPU);
    EXPECT_EQ(matcher.batch_size(), 1);
    std::vector<PreparedPair> pairs;
    std::vector<FeatureMatches> expected;
    for (const int64_t n : {30, 0, 7, 1, 50}) {
      const Features features0 = RandomFeatures(n, 16), features1 = RandomFeatures(20, 16);
      expected.push_back(matcher.Match(features0, features1));
      pairs.push_back({std::make_shared<PreparedImage>(matcher.Prepare(features0)),
                       std::make_shared<PreparedImage>(matcher.Prepare(features1))});
    }
    const auto found = matcher.MatchBatch(pairs);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(found[i].matches0.equal(expected[i].matches0)) << i;
    EXPECT_TRUE(matcher.MatchBatch({}).empty());
  }
  MatcherOptions none;
  none.type = MatcherType::kNearestNeighbor;
  none.batch_size = 0;
  EXPECT_THROW(FeatureMatcher({}, none, torch::kCPU), UsageError);
}

TEST(FeatureMatcher, AnUnpromisingPairHasNoMatchesAndTheOthersWhatTheyHadAnyway) {
  torch::manual_seed(5);
  MatcherOptions options;
  FeatureMatcher every(NearestNeighborSuperGlue({32, {8}, 2}, 40), options, torch::kCPU);
  options.prefilter = {5, 0.9};
  FeatureMatcher some(NearestNeighborSuperGlue({32, {8}, 2}, 40), options, torch::kCPU);
  const Features a = RandomFeatures(60, 32), like_a = Shuffled(a, 0.03), other = RandomFeatures(40, 32),
                 none = RandomFeatures(0, 32);
  const auto prepared = [&](const Features& features) {
    return std::make_shared<PreparedImage>(some.Prepare(features));
  };
  const auto found = some.MatchBatch(
      {{prepared(other), prepared(a)}, {prepared(a), prepared(like_a)}, {prepared(none), prepared(a)}});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].matches0.sizes(), (torch::IntArrayRef{40}));
  EXPECT_TRUE(found[0].matches0.eq(kUnmatched).all().item<bool>());
  EXPECT_TRUE(found[0].matches1.eq(kUnmatched).all().item<bool>());
  EXPECT_TRUE(found[1].matches0.equal(every.Match(a, like_a).matches0));
  EXPECT_EQ(found[2].matches1.sizes(), (torch::IntArrayRef{60}));
  EXPECT_EQ(some.skipped_pairs(), 2);
  EXPECT_EQ(every.skipped_pairs(), 0);
  options.prefilter.min_similarity = 2;
  EXPECT_THROW(FeatureMatcher(NearestNeighborSuperGlue({32, {8}, 2}, 40), options, torch::kCPU), UsageError);
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
      FeatureMatcher matcher(NearestNeighborSuperGlue(asks, 40), options, torch::kCPU);
      matcher.Match(a, other);
      EXPECT_EQ(matcher.skipped_pairs(), told == 0 ? 0 : 1);
      matcher.Match(a, Shuffled(a, 0.01));
      EXPECT_EQ(matcher.skipped_pairs(), told == 0 ? 0 : 1);
    }
  }
}

TEST(FeatureMatcher, PrecisionsThatTheDeviceLacksAreRefused) {
  LoadedSuperGlue weights;
  weights.network = SuperGlue(SuperGlueArchitecture{16, {8}, 1});
  MatcherOptions options;
  options.precision = Precision::kFp16;
  EXPECT_THROW(FeatureMatcher(weights, options, torch::kCPU), UsageError);
}

}  // namespace
}  // namespace colmatch
