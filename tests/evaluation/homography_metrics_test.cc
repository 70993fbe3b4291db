// Tests of the homography metrics: exact pairs, moved points, wrong matches, too few of them.
#include "evaluation/homography_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/test_seed.h"

namespace colmatch {
namespace {

constexpr double kFailure = std::numeric_limits<double>::infinity();

cv::Point2f Warp(const cv::Matx33d& h, const cv::Point2f& p) {
  const cv::Vec3d q = h * cv::Vec3d(p.x, p.y, 1);
  return {static_cast<float>(q[0] / q[2]), static_cast<float>(q[1] / q[2])};
}

// A grid of 8 x 6 keypoints in 640 x 480 pixels, all matched rightly.
HomographyPair ExactPair(const cv::Matx33d& h = cv::Matx33d::eye()) {
  HomographyPair pair;
  pair.width = 640;
  pair.height = 480;
  pair.h1_from_0 = h;
  for (int i = 0; i < 48; ++i) {
    const cv::Point2f p(40.0f + 80.0f * static_cast<float>(i % 8), 40.0f + 80.0f * static_cast<float>(i / 8));
    pair.keypoints0.push_back(p);
    pair.keypoints1.push_back(Warp(h, p));
    pair.matches.emplace_back(i, i);
  }
  pair.num_possible = 48;
  return pair;
}

const cv::Matx33d kPerspective(0.9, 0.1, 12, -0.05, 1.1, -20, 1e-4, -2e-4, 1);

TEST(HomographyMetrics, ExactMatchesArePerfect) {
  for (const cv::Matx33d& h : {cv::Matx33d::eye(), kPerspective}) {
    const HomographyResult result = EvaluateHomographyPair(ExactPair(h));
    EXPECT_EQ(result.num_matches, 48);
    EXPECT_EQ(result.num_correct, 48);
    EXPECT_EQ(result.precision, 1);
    EXPECT_EQ(result.recall, 1);
    EXPECT_NEAR(result.error_ransac, 0, 1e-3);
    EXPECT_NEAR(result.error_dlt, 0, 1e-3);
    const HomographySummary summary = Summarize({result, result});
    EXPECT_NEAR(summary.auc_ransac_3, 1, 1e-3);
    EXPECT_NEAR(summary.auc_dlt_10, 1, 1e-3);
    EXPECT_EQ(summary.num_failed, 0);
  }
}

TEST(HomographyMetrics, AMatchMovedLessThanTheRadiusIsStillCorrect) {
  HomographyPair pair = ExactPair();
  pair.keypoints1[9].x += 1.5f;
  const HomographyResult result = EvaluateHomographyPair(pair);
  EXPECT_EQ(result.num_correct, 48);
  EXPECT_GT(result.error_dlt, 0.01);
  EXPECT_LT(result.error_dlt, 1);
}

TEST(HomographyMetrics, AMatchMovedMoreIsWrongAndRansacLeavesItOut) {
  HomographyPair pair = ExactPair();
  pair.keypoints1[9].x += 5;
  const HomographyResult result = EvaluateHomographyPair(pair);
  EXPECT_EQ(result.num_correct, 47);
  EXPECT_DOUBLE_EQ(result.precision, 47.0 / 48);
  EXPECT_DOUBLE_EQ(result.recall, 47.0 / 48);
  EXPECT_NEAR(result.error_ransac, 0, 1e-3);
  EXPECT_GT(result.error_dlt, 0.05);
}

TEST(HomographyMetrics, RansacSurvivesWrongMatchesAndLeastSquaresDoNot) {
  HomographyPair pair = ExactPair(kPerspective);
  std::uniform_real_distribution<float> anywhere(0, 480);
  for (size_t i = 0; i < 48; i += 3) pair.keypoints1[i] = {anywhere(TestRng()), anywhere(TestRng())};
  const HomographyResult result = EvaluateHomographyPair(pair);
  EXPECT_NEAR(result.precision, 2.0 / 3, 0.03);
  EXPECT_LT(result.error_ransac, 0.5);
  EXPECT_GT(result.error_dlt, 10);
}

TEST(HomographyMetrics, TheCornerErrorIsTheMeanDistanceOfTheFourCorners) {
  HomographyPair pair = ExactPair();
  for (cv::Point2f& p : pair.keypoints1) p += cv::Point2f(3, -4);
  const HomographyResult result = EvaluateHomographyPair(pair);
  EXPECT_NEAR(result.error_ransac, 5, 1e-2);
  EXPECT_NEAR(result.error_dlt, 5, 1e-2);
  EXPECT_EQ(result.num_correct, 0) << "5 px off the truth, although they agree with each other";
}

TEST(HomographyMetrics, FewerThanFourMatchesFail) {
  for (size_t count = 0; count < 4; ++count) {
    HomographyPair pair = ExactPair();
    pair.matches.resize(count);
    const HomographyResult result = EvaluateHomographyPair(pair);
    EXPECT_EQ(result.error_ransac, kFailure) << count;
    EXPECT_EQ(result.error_dlt, kFailure) << count;
    EXPECT_EQ(result.precision, count > 0 ? 1 : 0) << count;
    EXPECT_DOUBLE_EQ(result.recall, static_cast<double>(count) / 48);
    const HomographySummary summary = Summarize({result});
    EXPECT_EQ(summary.num_failed, 1);
    EXPECT_EQ(summary.auc_ransac_10, 0);
  }
}

TEST(HomographyMetrics, MatchesOnALineAreNeverAGoodHomographyNorNan) {
  HomographyPair pair = ExactPair();
  pair.matches.resize(8);  // the first row
  const HomographyResult result = EvaluateHomographyPair(pair);
  EXPECT_GT(result.error_ransac, 10);
  EXPECT_GT(result.error_dlt, 10);
}

TEST(HomographyMetrics, NothingPossibleIsNoRecallNotNan) {
  HomographyPair pair;
  pair.width = pair.height = 100;
  const HomographyResult result = EvaluateHomographyPair(pair);
  EXPECT_EQ(result.precision, 0);
  EXPECT_EQ(result.recall, 0);
}

TEST(Summarize, IsTheMeanOverPairs) {
  HomographyResult good, bad;
  good.num_matches = 100;
  good.precision = 0.9;
  good.recall = 0.8;
  good.error_ransac = 1;
  good.error_dlt = 2;
  bad.num_matches = 3;
  bad.precision = 0.3;
  bad.error_ransac = bad.error_dlt = kFailure;
  const HomographySummary summary = Summarize({good, bad});
  EXPECT_EQ(summary.num_pairs, 2);
  EXPECT_EQ(summary.num_failed, 1);
  EXPECT_DOUBLE_EQ(summary.mean_matches, 51.5);
  EXPECT_DOUBLE_EQ(summary.precision, 0.6);
  EXPECT_DOUBLE_EQ(summary.recall, 0.4);
  EXPECT_NEAR(summary.auc_ransac_3, (0.25 + 2 * 0.5) / 3, 1e-12);
  EXPECT_NEAR(summary.auc_ransac_5, (0.25 + 4 * 0.5) / 5, 1e-12);
  EXPECT_NEAR(summary.auc_dlt_10, (0.5 + 8 * 0.5) / 10, 1e-12);
}

TEST(Summarize, OfNoPairsIsZero) {
  const HomographySummary summary = Summarize({});
  EXPECT_EQ(summary.num_pairs, 0);
  EXPECT_EQ(summary.precision, 0);
  EXPECT_EQ(summary.auc_ransac_5, 0);
}

}  // namespace
}  // namespace colmatch
