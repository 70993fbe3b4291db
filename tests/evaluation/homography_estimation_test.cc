// Tests of homography estimates, of their errors, and of repeatability.
#include "evaluation/homography_estimation.h"

#include <gtest/gtest.h>

#include "tests/evaluation/exact_pair.h"

namespace colmatch {
namespace {

const auto kCorners = CornerPixels({640, 480});

// Every third match leads elsewhere.
PointLists PointsWithOutliers() {
  PointLists points = MatchedPoints(ExactPair(kPerspective));
  for (size_t i = 0; i < 48; i += 3) points.points1[i] = points.points1[(i + 20) % 48] + cv::Point2f(7, 31);
  return points;
}

// The weight for each third match, 1 for the others.
std::vector<double> OutlierWeights(double weight) {
  std::vector<double> weights(48, 1);
  for (size_t i = 0; i < 48; i += 3) weights[i] = weight;
  return weights;
}

double DltError(const PointLists& points, const std::vector<double>& weights) {
  return MeanCornerError(WeightedDlt(points, weights), kPerspective, kCorners);
}

TEST(MatchedPoints, AreInTheOrderOfTheMatches) {
  HomographyPair pair = ExactPair();
  pair.matches = {{5, 3}, {0, 47}};
  const PointLists points = MatchedPoints(pair);
  EXPECT_EQ(points.points0, (std::vector<cv::Point2f>{pair.keypoints0[5], pair.keypoints0[0]}));
  EXPECT_EQ(points.points1, (std::vector<cv::Point2f>{pair.keypoints1[3], pair.keypoints1[47]}));
}

TEST(WeightedDlt, IsExactForExactMatches) {
  for (const cv::Matx33d& truth : {cv::Matx33d::eye(), kPerspective}) {
    const cv::Mat estimate = WeightedDlt(MatchedPoints(ExactPair(truth)), std::vector<double>(48, 1));
    EXPECT_LT(MeanCornerError(estimate, truth, kCorners), 1e-3);
  }
}

TEST(WeightedDlt, IsExactForFourMatches) {
  PointLists points;
  for (const cv::Point2d& p : kCorners) {
    points.points0.emplace_back(p);
    points.points1.emplace_back(ApplyHomography(kPerspective, p));
  }
  EXPECT_LT(DltError(points, {0.1, 0.9, 0.5, 0.3}), 1e-3) << "whatever the weights";
}

TEST(WeightedDlt, DoesNotListenToOutliersOfNoWeight) {
  EXPECT_LT(DltError(PointsWithOutliers(), OutlierWeights(0)), 1e-2);
  EXPECT_GT(DltError(PointsWithOutliers(), OutlierWeights(1)), 10);
}

TEST(WeightedDlt, ListensLessToOutliersOfLittleWeight) {
  EXPECT_LT(10 * DltError(PointsWithOutliers(), OutlierWeights(1e-3)),
            DltError(PointsWithOutliers(), OutlierWeights(1)));
}

TEST(WeightedDlt, DoesNotDependOnTheWeightsUnit) {
  EXPECT_NEAR(DltError(PointsWithOutliers(), std::vector<double>(48, 0.01)),
              DltError(PointsWithOutliers(), std::vector<double>(48, 1)), 1e-3);
}

struct Method {
  const char* name;
  cv::Mat (*estimate)(const PointLists&);
};
const Method kMethods[] = {
    {"RANSAC", [](const PointLists& points) { return RansacHomography(points, {}); }},
    {"least squares", LeastSquaresHomography},
    {"weighted DLT",
     [](const PointLists& points) {
       return WeightedDlt(points, std::vector<double>(points.points0.size(), 1));
     }},
};

TEST(HomographyEstimation, FewerThanFourMatchesGiveNone) {
  for (const Method& method : kMethods) {
    for (size_t count = 0; count < 4; ++count) {
      HomographyPair pair = ExactPair();
      pair.matches.resize(count);
      const cv::Mat estimate = method.estimate(MatchedPoints(pair));
      EXPECT_TRUE(estimate.empty()) << method.name << ", " << count;
      EXPECT_EQ(MeanCornerError(estimate, pair.h1_from_0, kCorners), kInfinite);
    }
  }
}

TEST(HomographyEstimation, MatchesOnALineOrAtOnePlaceAreNeverAGoodOneNorNan) {
  const struct {
    const char* name;
    int step, count;  // of the grid's keypoints, 8 in a row
  } cases[] = {{"row", 1, 8}, {"column", 8, 6}, {"diagonal", 9, 6}, {"one place", 0, 12}};
  for (const Method& method : kMethods) {
    for (const auto& c : cases) {
      HomographyPair pair = ExactPair(kPerspective);
      pair.matches.clear();
      for (int i = 0; i < c.count; ++i) pair.matches.push_back({i * c.step, i * c.step});
      EXPECT_GT(MeanCornerError(method.estimate(MatchedPoints(pair)), kPerspective, kCorners), 10)
          << method.name << ", " << c.name;
    }
  }
}

TEST(MeanCornerError, IsTheMeanDistanceOfTheFourCorners) {
  const cv::Matx33d shift(1, 0, 3, 0, 1, -4, 0, 0, 1), stretch(1.01, 0, 0, 0, 1, 0, 0, 0, 1);
  EXPECT_NEAR(MeanCornerError(cv::Mat(shift), cv::Matx33d::eye(), kCorners), 5, 1e-9);
  EXPECT_NEAR(MeanCornerError(cv::Mat(stretch), cv::Matx33d::eye(), kCorners), 0.5 * 6.39, 1e-9);
  EXPECT_NEAR(MeanCornerError(cv::Mat(shift * kPerspective), kPerspective, kCorners), 5, 1e-9);
}

TEST(MeanCornerError, IsInfiniteForNoOrUselessEstimates) {
  const cv::Matx33d useless[] = {
      cv::Matx33d::zeros(),
      cv::Matx33d::all(std::numeric_limits<double>::quiet_NaN()),
      cv::Matx33d::all(kInfinite),
      {1, 0, 0, 0, 1, 0, 1, 0, 0},  // takes the corner (0, 0) to infinity
  };
  EXPECT_EQ(MeanCornerError({}, cv::Matx33d::eye(), kCorners), kInfinite);
  for (const cv::Matx33d& estimate : useless)
    EXPECT_EQ(MeanCornerError(cv::Mat(estimate), cv::Matx33d::eye(), kCorners), kInfinite) << estimate;
}

TEST(Corners, AreThePixelsCentresOrTheImagesExtent) {
  using Corners = std::array<cv::Point2d, 4>;
  EXPECT_EQ(CornerPixels({640, 480}), (Corners{{{0, 0}, {639, 0}, {639, 479}, {0, 479}}}));
  EXPECT_EQ(CornersByExtent({640, 480}), (Corners{{{0, 0}, {640, 0}, {640, 480}, {0, 480}}}));
}

TEST(Repeatability, OfTheSameKeypointsIs1) {
  for (const cv::Matx33d& h : {cv::Matx33d::eye(), kPerspective}) {
    const Repeatability found = MeasureRepeatability(ExactPair(h), 3);
    EXPECT_EQ(found.share, 1);
    EXPECT_NEAR(found.localization_error_px, 0, 1e-3);
    EXPECT_EQ(found.num_repeated, 48);
  }
}

TEST(Repeatability, DoesNotCountKeypointsThatTheOtherImageDoesNotShow) {
  HomographyPair pair = ExactPair();
  pair.h1_from_0(0, 2) = 320;  // the left half of image 0 is the right half of image 1, four columns each
  const Repeatability found = MeasureRepeatability(pair, 3);
  EXPECT_EQ(found.num_common, 24 + 24);
  EXPECT_EQ(found.num_repeated, 24);
  EXPECT_EQ(found.share, 1);
}

TEST(Repeatability, LooksAtEachImagesOwnSize) {
  HomographyPair pair = ExactPair({2, 0, 0, 0, 2, 0, 0, 0, 1});
  pair.size1 = {1280, 960};
  EXPECT_EQ(MeasureRepeatability(pair, 3).num_common, 48 + 48);
}

TEST(Repeatability, HasTheDistanceFromTheTruePlaceAsItsError) {
  HomographyPair pair = ExactPair();
  for (cv::Point2f& p : pair.keypoints1) p.x += 2;
  const Repeatability within = MeasureRepeatability(pair, 3), beyond = MeasureRepeatability(pair, 1.5);
  EXPECT_EQ(within.share, 1);
  EXPECT_NEAR(within.localization_error_px, 2, 1e-6);
  EXPECT_EQ(beyond.share, 0);
  EXPECT_EQ(beyond.num_repeated, 0);
  EXPECT_EQ(beyond.localization_error_px, 0);
}

TEST(Repeatability, CountsTheKeypointsOfBothImages) {
  HomographyPair pair = ExactPair();
  pair.keypoints1.resize(24);
  EXPECT_NEAR(MeasureRepeatability(pair, 3).share, (24.0 + 24) / (48 + 24), 1e-12);
}

TEST(Repeatability, MeasuresTheErrorOfMutualNeighboursOnly) {
  HomographyPair pair = ExactPair();
  pair.keypoints0 = {{100, 100}, {102, 100}};
  pair.keypoints1 = {{100.5, 100}};
  const Repeatability found = MeasureRepeatability(pair, 3);
  EXPECT_EQ(found.share, 1);
  EXPECT_EQ(found.num_repeated, 1);
  EXPECT_NEAR(found.localization_error_px, 0.5, 1e-6);
}

TEST(Repeatability, OfNoKeypointsIs0) {
  HomographyPair none = ExactPair(), one_sided = ExactPair();
  none.keypoints0.clear();
  none.keypoints1.clear();
  one_sided.keypoints1.clear();
  for (const HomographyPair& pair : {none, one_sided}) {
    const Repeatability found = MeasureRepeatability(pair, 3);
    EXPECT_EQ(found.share, 0);
    EXPECT_EQ(found.localization_error_px, 0);
    EXPECT_EQ(found.num_repeated, 0);
    EXPECT_EQ(found.num_common, static_cast<int>(pair.keypoints0.size()));
  }
}

}  // namespace
}  // namespace colmatch
