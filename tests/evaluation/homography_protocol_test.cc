// Tests of the homography protocol: exact pairs, moved points, wrong matches, too few of them.
#include "evaluation/homography_protocol.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/evaluation/exact_pair.h"
#include "tests/test_seed.h"

namespace colmatch {
namespace {

TEST(HomographyProtocol, ExactMatchesArePerfect) {
  for (const cv::Matx33d& h : {cv::Matx33d::eye(), kPerspective}) {
    const Measures m = MeasureHomographyPair(ExactPair(h));
    EXPECT_EQ(m.at("num_matches"), 48);
    EXPECT_EQ(m.at("num_correct"), 48);
    EXPECT_EQ(m.at("num_possible"), 48);
    EXPECT_EQ(m.at("precision"), 1);
    EXPECT_EQ(m.at("recall"), 1);
    EXPECT_EQ(m.at("repeatability"), 1);
    EXPECT_NEAR(m.at("localization_error"), 0, 1e-3);
    EXPECT_NEAR(m.at("repeatability_error"), 0, 1e-3);
    EXPECT_NEAR(m.at("error_ransac"), 0, 1e-3);
    EXPECT_NEAR(m.at("error_dlt"), 0, 1e-3);
    for (const char* key : {"auc_ransac", "auc_dlt"}) {
      for (const char* threshold : {"3", "5", "10"})
        EXPECT_NEAR(ValueOf(HomographyStatistics(), key, threshold, m), 1, 1e-3);
    }
  }
}

TEST(HomographyProtocol, AMatchMovedLessThanTheRadiusIsStillCorrect) {
  HomographyPair pair = ExactPair();
  pair.keypoints1[9].x += 1.5f;
  const Measures m = MeasureHomographyPair(pair);
  EXPECT_EQ(m.at("num_correct"), 48);
  EXPECT_NEAR(m.at("localization_error"), 1.5 / 48, 1e-6);
  EXPECT_GT(m.at("error_dlt"), 0.01);
  EXPECT_LT(m.at("error_dlt"), 1);
}

TEST(HomographyProtocol, AMatchMovedMoreIsWrongAndRansacLeavesItOut) {
  HomographyPair pair = ExactPair();
  pair.keypoints1[9].x += 5;
  const Measures m = MeasureHomographyPair(pair);
  EXPECT_EQ(m.at("num_correct"), 47);
  EXPECT_DOUBLE_EQ(m.at("precision"), 47.0 / 48);
  EXPECT_EQ(m.at("num_possible"), 47) << "the moved keypoint shows no place of the other image";
  EXPECT_EQ(m.at("recall"), 1);
  EXPECT_DOUBLE_EQ(m.at("repeatability"), 47.0 / 48);
  EXPECT_NEAR(m.at("localization_error"), 0, 1e-6) << "of the correct ones";
  EXPECT_NEAR(m.at("error_ransac"), 0, 1e-3);
  EXPECT_GT(m.at("error_dlt"), 0.05);
}

TEST(HomographyProtocol, RansacSurvivesWrongMatchesAndLeastSquaresDoNot) {
  HomographyPair pair = ExactPair(kPerspective);
  std::uniform_real_distribution<float> anywhere(0, 480);
  for (size_t i = 0; i < 48; i += 3) pair.keypoints1[i] = {anywhere(TestRng()), anywhere(TestRng())};
  const Measures m = MeasureHomographyPair(pair);
  EXPECT_NEAR(m.at("precision"), 2.0 / 3, 0.03);
  EXPECT_LT(m.at("error_ransac"), 0.5);
  EXPECT_GT(m.at("error_dlt"), 10);
}

TEST(HomographyProtocol, MatchesThatAgreeWithEachOtherButNotWithTheTruthAreWrong) {
  HomographyPair pair = ExactPair();
  for (cv::Point2f& p : pair.keypoints1) p += cv::Point2f(3, -4);
  const Measures m = MeasureHomographyPair(pair);
  EXPECT_NEAR(m.at("error_ransac"), 5, 1e-2);
  EXPECT_NEAR(m.at("error_dlt"), 5, 1e-2);
  EXPECT_EQ(m.at("num_correct"), 0);
  EXPECT_EQ(m.count("localization_error"), 0u) << "there is no correct match to take it of";
}

TEST(HomographyProtocol, CornersAreThePixelsCentres) {
  HomographyPair pair = ExactPair();
  for (cv::Point2f& p : pair.keypoints1) p.x *= 1.01f;
  EXPECT_NEAR(MeasureHomographyPair(pair).at("error_dlt"), 0.5 * 6.39, 1e-3);
}

TEST(HomographyProtocol, FewerThanFourMatchesFail) {
  for (size_t count = 0; count < 4; ++count) {
    HomographyPair pair = ExactPair();
    pair.matches.resize(count);
    const Measures m = MeasureHomographyPair(pair);
    EXPECT_EQ(m.at("error_ransac"), kInfinite) << count;
    EXPECT_EQ(m.at("error_dlt"), kInfinite) << count;
    EXPECT_EQ(m.at("precision"), count > 0 ? 1 : 0) << count;
    EXPECT_DOUBLE_EQ(m.at("recall"), static_cast<double>(count) / 48);
    EXPECT_EQ(ValueOf(HomographyStatistics(), "auc_ransac", "10", m), 0);
  }
}

TEST(HomographyProtocol, MatchesOnALineAreNeverAGoodHomographyNorNan) {
  HomographyPair pair = ExactPair();
  pair.matches.resize(8);  // the first row
  const Measures m = MeasureHomographyPair(pair);
  EXPECT_GT(m.at("error_ransac"), 10);
  EXPECT_GT(m.at("error_dlt"), 10);
}

TEST(HomographyProtocol, NothingPossibleIsNoRecall) {
  HomographyPair pair;
  pair.size0 = pair.size1 = {100, 100};
  const Measures m = MeasureHomographyPair(pair);
  EXPECT_EQ(m.at("precision"), 0);
  for (const char* absent : {"recall", "localization_error", "repeatability", "repeatability_error"})
    EXPECT_EQ(m.count(absent), 0u) << absent;
}

TEST(HomographyProtocol, RecallCountsTrueCorrespondencesFoundAndNotRightMatches) {
  HomographyPair pair = ExactPair();
  // A second keypoint on each place of image 0: its match is right, but finds nothing that was not found.
  for (int i = 0; i < 24; ++i) {
    pair.keypoints0.push_back(pair.keypoints0[i] + cv::Point2f(1, 0));
    pair.matches.push_back({48 + i, i, 1});
  }
  pair.matches.erase(pair.matches.begin() + 24, pair.matches.begin() + 48);
  const Measures m = MeasureHomographyPair(pair);
  EXPECT_EQ(m.at("num_correct"), 48);
  EXPECT_EQ(m.at("num_possible"), 48);
  EXPECT_EQ(m.at("num_found"), 24);
  EXPECT_EQ(m.at("recall"), 0.5);
  EXPECT_EQ(m.at("num_places"), 24);
}

TEST(HomographyProtocol, AnotherKeypointOfTheRightPlaceFindsACorrespondence) {
  HomographyPair pair = ExactPair();
  pair.keypoints1.push_back(pair.keypoints1[5] + cv::Point2f(2, 0));
  pair.matches[5].index1 = 48;  // within 3 pixels, though not the nearest
  const Measures m = MeasureHomographyPair(pair);
  EXPECT_EQ(m.at("num_found"), 48);
  EXPECT_EQ(m.at("num_possible"), 48);
}

TEST(HomographyProtocol, ItsStatisticsNameItsMeasures) {
  ExpectMeasuresOf(HomographyStatistics(), MeasureHomographyPair(ExactPair()));
}

}  // namespace
}  // namespace colmatch
