// Tests of the sequence protocol: accuracies and precisions of known errors, weights, and the choice of a
// threshold.
#include "evaluation/sequence_protocol.h"

#include <gtest/gtest.h>

#include "tests/evaluation/exact_pair.h"

namespace colmatch {
namespace {

std::string At(const std::string& name, int threshold) { return name + "@" + std::to_string(threshold); }

TEST(SequenceProtocol, ExactMatchesArePerfect) {
  for (const cv::Matx33d& h : {cv::Matx33d::eye(), kPerspective}) {
    const Measures m = MeasureSequencePair(ExactPair(h));
    EXPECT_EQ(m.at("num_matches"), 48);
    EXPECT_EQ(m.at("accuracy@1"), 1);
    EXPECT_EQ(m.at("precision@1"), 1);
    EXPECT_LT(m.at("error_dlt"), 1e-3);
    EXPECT_LT(m.at("error_ransac@0.5"), 1e-3);
    EXPECT_LT(m.at("error_ransac@3"), 1e-3);
    EXPECT_EQ(m.at("repeatability"), 1);
    EXPECT_LT(m.at("repeatability_error"), 1e-3);
  }
}

TEST(SequenceProtocol, AccuracyIsTheShareOfMatchesWithAtMostThatError) {
  HomographyPair pair = ExactPair();
  pair.matches.resize(10);
  for (size_t i = 0; i < 10; ++i) pair.keypoints1[i].x += static_cast<float>(i + 1);
  const Measures m = MeasureSequencePair(pair);
  for (int t = 1; t <= 10; ++t) EXPECT_DOUBLE_EQ(m.at(At("accuracy", t)), t / 10.0) << t;
}

// 1.2 px in image 1, which is twice as large, are 0.6 px in image 0 and 0.9 px in the mean.
TEST(SequenceProtocol, PrecisionTakesTheMeanErrorOfBothDirections) {
  HomographyPair pair = ExactPair({2, 0, 0, 0, 2, 0, 0, 0, 1});
  for (cv::Point2f& p : pair.keypoints1) p.y += 1.2f;
  const Measures m = MeasureSequencePair(pair);
  EXPECT_EQ(m.at("accuracy@1"), 0);
  EXPECT_EQ(m.at("precision@1"), 1);
  for (cv::Point2f& p : pair.keypoints1) p.y += 0.3f;  // 1.125 px
  EXPECT_EQ(MeasureSequencePair(pair).at("precision@1"), 0);
  EXPECT_EQ(MeasureSequencePair(pair).at("precision@3"), 1);
}

TEST(SequenceProtocol, TheDltListensToConfidences) {
  HomographyPair pair = ExactPair(kPerspective);
  for (size_t i = 0; i < 48; i += 5) pair.matches[i].index1 = (pair.matches[i].index1 + 11) % 48;
  EXPECT_GT(MeasureSequencePair(pair).at("error_dlt"), 10);
  for (size_t i = 0; i < 48; i += 5) pair.matches[i].confidence = 0;
  EXPECT_LT(MeasureSequencePair(pair).at("error_dlt"), 1e-2);
}

TEST(SequenceProtocol, RansacTakesEachThreshold) {
  HomographyPair pair = ExactPair();
  for (size_t i = 0; i < 16; ++i) pair.keypoints1[i].y += 2;  // the upper two of six rows
  const Measures m = MeasureSequencePair(pair);
  EXPECT_LT(m.at("error_ransac@0.5"), 1e-2);
  EXPECT_GT(m.at("error_ransac@3"), 0.5);
}

TEST(SequenceProtocol, CornersAreThoseOfTheImagesExtent) {
  HomographyPair pair = ExactPair();
  for (cv::Point2f& p : pair.keypoints1) p.x *= 1.01f;
  EXPECT_NEAR(MeasureSequencePair(pair).at("error_dlt"), 0.5 * 6.40, 1e-3);
}

TEST(SequenceProtocol, NoMatchesAreNothingRightAndNoHomography) {
  HomographyPair pair = ExactPair();
  pair.matches.clear();
  const Measures m = MeasureSequencePair(pair);
  EXPECT_EQ(m.at("num_matches"), 0);
  EXPECT_EQ(m.at("accuracy@10"), 0);
  EXPECT_EQ(m.at("precision@3"), 0);
  EXPECT_EQ(m.at("error_dlt"), kInfinite);
  EXPECT_EQ(m.at("error_ransac@3"), kInfinite);
}

TEST(SequenceProtocol, ItsStatisticsNameItsMeasures) {
  std::vector<Measures> rows = {MeasureSequencePair(ExactPair())};
  TakeBestRansac(rows);
  ExpectMeasuresOf(SequenceStatistics(), rows[0]);
}

TEST(TakeBestRansac, ChoosesTheThresholdThatIsBestOverAllRows) {
  SequenceProtocolOptions options;
  options.ransac_thresholds_px = {0.5, 3};
  for (const char* best : {"0.5", "3"}) {
    const std::string good = std::string("error_ransac@") + best,
                      bad = good == "error_ransac@3" ? "error_ransac@0.5" : "error_ransac@3";
    // The better one is worse in the first row.
    std::vector<Measures> rows = {{{good, 0.5}, {bad, 0}}, {{good, 0.6}, {bad, kInfinite}}};
    EXPECT_EQ(TakeBestRansac(rows, options), std::stod(best));
    EXPECT_EQ(rows[0].at("error_ransac"), 0.5);
    EXPECT_EQ(rows[1].at("error_ransac"), 0.6);
  }
}

}  // namespace
}  // namespace colmatch
