// Tests of the pose protocol: a scene made up of random points, seen by two cameras of known pose.
#include "evaluation/pose_protocol.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/evaluation/exact_pair.h"
#include "tests/test_seed.h"

namespace colmatch {
namespace {

constexpr int kNumMatches = 60;

cv::Point2f Project(const cv::Matx33d& k, const cv::Vec3d& x) {
  const cv::Vec3d p = k * x;
  return {static_cast<float>(p[0] / p[2]), static_cast<float>(p[1] / p[2])};
}

// About the y axis (horizontally) and the optical axis.
cv::Matx33d Turn(double pan_deg, double roll_deg) {
  const double a = pan_deg * CV_PI / 180, b = roll_deg * CV_PI / 180;
  const cv::Matx33d pan(std::cos(a), 0, std::sin(a), 0, 1, 0, -std::sin(a), 0, std::cos(a));
  const cv::Matx33d roll(std::cos(b), -std::sin(b), 0, std::sin(b), std::cos(b), 0, 0, 0, 1);
  return pan * roll;
}

// Two different cameras, side by side; all 60 points matched rightly.
PosePair ExactScene() {
  PosePair pair;
  pair.truth.k0 = {600, 0, 320, 0, 610, 240, 0, 0, 1};
  pair.truth.k1 = {500, 0, 310, 0, 505, 250, 0, 0, 1};
  pair.truth.rotation = Turn(-10, 5);
  pair.truth.translation = {1, 0.1, -0.2};
  std::uniform_real_distribution<double> sideways(-1, 1), depth(3, 6);
  for (int i = 0; i < kNumMatches; ++i) {
    const cv::Vec3d x(sideways(TestRng()), sideways(TestRng()), depth(TestRng()));
    pair.keypoints0.push_back(Project(pair.truth.k0, x));
    pair.keypoints1.push_back(Project(pair.truth.k1, pair.truth.rotation * x + pair.truth.translation));
    pair.matches.push_back({i, i});
  }
  return pair;
}

TEST(PoseProtocol, ExactMatchesGiveThePose) {
  const Measures m = MeasurePosePair(ExactScene());
  EXPECT_EQ(m.at("num_matches"), kNumMatches);
  EXPECT_EQ(m.at("num_correct"), kNumMatches);
  EXPECT_EQ(m.at("precision"), 1);
  EXPECT_EQ(m.at("matching_score"), 1);
  EXPECT_LT(m.at("error_rotation"), 0.1);
  EXPECT_LT(m.at("error_translation"), 0.1);
  EXPECT_LT(m.at("error_pose"), 0.1);
  ExpectMeasuresOf(PoseStatistics(), m);
  EXPECT_GT(ValueOf(PoseStatistics(), "auc_pose", "5", m), 0.98);
}

TEST(PoseProtocol, TheMatchingScoreIsOverAllKeypointsOfImage0) {
  PosePair pair = ExactScene();
  pair.keypoints0.resize(80);
  pair.keypoints1.resize(200);
  const Measures m = MeasurePosePair(pair);
  EXPECT_EQ(m.at("precision"), 1);
  EXPECT_EQ(m.at("matching_score"), 60.0 / 80);
}

// The baseline is about horizontal: 100 px up are far from the epipolar line.
TEST(PoseProtocol, WrongMatchesLowerPrecisionNotThePose) {
  PosePair pair = ExactScene();
  for (size_t i = 0; i < kNumMatches; i += 4) pair.keypoints1[i].y -= 100;
  const Measures m = MeasurePosePair(pair);
  EXPECT_EQ(m.at("num_correct"), 45);
  EXPECT_EQ(m.at("precision"), 0.75);
  EXPECT_EQ(m.at("matching_score"), 0.75);
  EXPECT_LT(m.at("error_pose"), 0.1);
}

TEST(PoseProtocol, FewerThanFiveMatchesGiveNoPose) {
  for (size_t count = 0; count < 5; ++count) {
    PosePair pair = ExactScene();
    pair.matches.resize(count);
    const Measures m = MeasurePosePair(pair);
    for (const char* error : {"error_pose", "error_rotation", "error_translation"})
      EXPECT_EQ(m.at(error), kInfinite) << count;
    EXPECT_EQ(m.at("precision"), count > 0 ? 1 : 0) << count;
    EXPECT_EQ(ValueOf(PoseStatistics(), "auc_pose", "20", m), 0);
  }
}

TEST(PoseProtocol, NoKeypointsAreNoScore) {
  PosePair pair = ExactScene();
  pair.keypoints0.clear();
  pair.keypoints1.clear();
  pair.matches.clear();
  EXPECT_EQ(MeasurePosePair(pair).at("matching_score"), 0);
}

TEST(PoseProtocol, TheTranslationsSignAndLengthDoNotMatter) {
  const PosePair pair = ExactScene();
  PosePair other = pair;
  other.truth.translation *= -7;
  const Measures expected = MeasurePosePair(pair), m = MeasurePosePair(other);
  EXPECT_EQ(m.at("precision"), 1);
  EXPECT_NEAR(m.at("error_translation"), expected.at("error_translation"), 1e-3);
  EXPECT_NEAR(m.at("error_pose"), expected.at("error_pose"), 1e-3);
}

TEST(PoseProtocol, ErrorsAreTheAnglesFromTheTruthAndTheLargerCounts) {
  PosePair turned = ExactScene(), shifted = ExactScene();
  turned.truth.rotation = Turn(12, 0) * turned.truth.rotation;
  shifted.truth.translation = Turn(0, 25) * cv::Vec3d(1, 0, 0);
  const double angle =
      std::acos(shifted.truth.translation.dot(cv::normalize(cv::Vec3d(1, 0.1, -0.2)))) * 180 / CV_PI;
  const Measures of_turned = MeasurePosePair(turned), of_shifted = MeasurePosePair(shifted);
  EXPECT_NEAR(of_turned.at("error_rotation"), 12, 0.1);
  EXPECT_NEAR(of_turned.at("error_pose"), 12, 0.1);
  EXPECT_LT(of_turned.at("error_translation"), 0.1);
  EXPECT_NEAR(of_shifted.at("error_translation"), angle, 0.1);
  EXPECT_NEAR(of_shifted.at("error_pose"), angle, 0.1);
  EXPECT_LT(of_shifted.at("error_rotation"), 0.1);
}

// A camera that moved sideways has horizontal epipolar lines: a point d too high is d from its line in both
// images.
TEST(EpipolarErrors, AreTheSquaredDistancesFromTheLineInBothImages) {
  PosePair pair;
  pair.truth.k0 = pair.truth.k1 = {100, 0, 50, 0, 100, 50, 0, 0, 1};
  pair.truth.rotation = cv::Matx33d::eye();
  pair.truth.translation = {1, 0, 0};
  pair.keypoints0 = {{20, 30}, {20, 30}};
  pair.keypoints1 = {{60, 30}, {60, 40}};
  pair.matches = {{0, 0}, {1, 1}};
  const std::vector<double> errors = EpipolarErrors(pair);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_NEAR(errors[0], 0, 1e-12);
  EXPECT_NEAR(errors[1], 2 * 0.1 * 0.1, 1e-9);
}

}  // namespace
}  // namespace colmatch
