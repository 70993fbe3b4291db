// Tests of the legacy homography protocol, with its ways to flatter: pairs dropped, misses not counted, four
// matches taken for all.
#include "evaluation/legacy_protocol.h"

#include <gtest/gtest.h>

#include "tests/evaluation/exact_pair.h"

namespace colmatch {
namespace {

// The corners of ExactPair's grid.
constexpr int kGridCorners[] = {0, 7, 40, 47};

// All matches but those of the grid's corners lead to the next keypoint.
HomographyPair FourRightMatches(double confidence_of_right, double confidence_of_wrong) {
  HomographyPair pair = ExactPair(kPerspective);
  for (IndexMatch& match : pair.matches) match = {match.index0, (match.index0 + 1) % 48, confidence_of_wrong};
  for (const int i : kGridCorners) pair.matches[i] = {i, i, confidence_of_right};
  return pair;
}

TEST(LegacyProtocol, ExactMatchesArePerfect) {
  HomographyPair pair = ExactPair(kPerspective);
  for (const int i : kGridCorners) pair.matches[i].confidence = 2;  // four that are not on a line
  const auto m = MeasureLegacyPair(pair);
  ASSERT_TRUE(m.has_value());
  EXPECT_EQ(m->at("num_matches"), 48);
  EXPECT_EQ(m->at("precision"), 1);
  EXPECT_EQ(m->at("recall"), 1);
  EXPECT_LT(m->at("error_dlt"), 1e-3);
  EXPECT_LT(m->at("error_ransac"), 1e-3);
  ExpectMeasuresOf(LegacyStatistics(), *m);
}

TEST(LegacyProtocol, PairsWithFewerThanTwelveMatchesAreDropped) {
  for (const size_t count : {0, 3, 4, 11, 12, 13}) {
    HomographyPair pair = ExactPair();
    pair.matches.resize(count);
    EXPECT_EQ(MeasureLegacyPair(pair).has_value(), count >= 12) << count;
  }
}

TEST(LegacyProtocol, PairsWithFewerThanFourMatchesAreDroppedWhateverTheOptions) {
  LegacyProtocolOptions options;
  options.min_matches = 0;
  for (const size_t count : {0, 3, 4}) {
    HomographyPair pair = ExactPair();
    pair.matches.resize(count);
    EXPECT_EQ(MeasureLegacyPair(pair, options).has_value(), count >= 4) << count;
  }
}

TEST(LegacyProtocol, AWrongMatchIsNotAMissButNoMatchIs) {
  HomographyPair wrong = ExactPair(), missing = ExactPair();
  wrong.matches[9].index1 = 10;
  missing.matches.erase(missing.matches.begin() + 9);
  const auto of_wrong = MeasureLegacyPair(wrong), of_missing = MeasureLegacyPair(missing);
  EXPECT_DOUBLE_EQ(of_wrong->at("precision"), 47.0 / 48);
  EXPECT_DOUBLE_EQ(of_wrong->at("recall"), 1);
  EXPECT_DOUBLE_EQ(of_missing->at("precision"), 1);
  EXPECT_DOUBLE_EQ(of_missing->at("recall"), 47.0 / 48);
}

TEST(LegacyProtocol, NothingPossibleIsNoRecall) {
  HomographyPair pair = ExactPair();
  for (cv::Point2f& p : pair.keypoints1) p.x += 10;
  EXPECT_EQ(MeasureLegacyPair(pair)->count("recall"), 0u);
  EXPECT_EQ(MeasureLegacyPair(pair)->at("precision"), 0);
}

TEST(LegacyProtocol, TheFourMostConfidentMatchesMakeTheHomographyAlone) {
  const auto right = MeasureLegacyPair(FourRightMatches(0.9, 0.8)),
             wrong = MeasureLegacyPair(FourRightMatches(0.8, 0.9));
  EXPECT_DOUBLE_EQ(right->at("precision"), 4.0 / 48);
  EXPECT_LT(right->at("error_dlt"), 1e-2);
  EXPECT_GT(wrong->at("error_dlt"), 10);
}

TEST(LegacyProtocol, CornersAreThoseOfTheImagesExtent) {
  HomographyPair pair = ExactPair();
  for (cv::Point2f& p : pair.keypoints1) p.x *= 1.01f;
  for (const int i : kGridCorners) pair.matches[i].confidence = 2;
  EXPECT_NEAR(MeasureLegacyPair(pair)->at("error_dlt"), 0.5 * 6.40, 1e-3);
}

TEST(LegacyProtocol, TheFourMostConfidentMatchesOnALineAreUselessNotNan) {
  HomographyPair pair = ExactPair();
  for (size_t i = 0; i < 4; ++i) pair.matches[i].confidence = 2;
  EXPECT_GT(MeasureLegacyPair(pair)->at("error_dlt"), 10);
}

TEST(LegacyGroundTruth, IsEveryKeypointsOwnPlaceInAnExactPair) {
  const std::vector<int> truth = LegacyGroundTruth(ExactPair(kPerspective));
  ASSERT_EQ(truth.size(), 48u);
  for (int i = 0; i < 48; ++i) EXPECT_EQ(truth[i], i);
}

// Of each pair of keypoints the one in image 1 is farther away than from the pair before: they only become
// each other's nearest once that pair is taken.
TEST(LegacyGroundTruth, EachRoundFindsTheNextNearestNeighbours) {
  HomographyPair pair = ExactPair();
  pair.keypoints0 = {{100, 50}, {101, 50}, {103.1f, 50}};
  pair.keypoints1 = {{100.4f, 50}, {102, 50}, {104.5f, 50}};
  const std::vector<int> expected[] = {{-1, -1, -1}, {0, -1, -1}, {0, 1, -1}, {0, 1, 2}};
  LegacyProtocolOptions options;
  EXPECT_EQ(options.num_rounds, 3);
  for (int rounds = 0; rounds <= 3; ++rounds) {
    options.num_rounds = rounds;
    EXPECT_EQ(LegacyGroundTruth(pair, options), expected[rounds]) << rounds;
  }
}

TEST(LegacyGroundTruth, IsNoneAtTheRadiusOrBeyond) {
  HomographyPair pair = ExactPair();
  for (const auto& [shift, found] : {std::pair(2.5f, true), {3.0f, false}, {4.0f, false}}) {
    pair.keypoints0 = {{100, 50}};
    pair.keypoints1 = {{100 + shift, 50}};
    EXPECT_EQ(LegacyGroundTruth(pair), std::vector<int>{found ? 0 : -1}) << shift;
  }
}

TEST(LegacyGroundTruth, OfNoKeypointsIsNone) {
  HomographyPair pair = ExactPair();
  pair.keypoints1.clear();
  EXPECT_EQ(LegacyGroundTruth(pair), std::vector<int>(48, -1));
  pair.keypoints0.clear();
  EXPECT_TRUE(LegacyGroundTruth(pair).empty());
}

}  // namespace
}  // namespace colmatch
