// What the tests of the protocols start from and spoil: pairs whose matches are all right.
#pragma once

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "evaluation/homography_estimation.h"
#include "evaluation/summary.h"

namespace colmatch {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

inline const cv::Matx33d kPerspective(0.9, 0.1, 12, -0.05, 1.1, -20, 1e-4, -2e-4, 1);

// A grid of 8 x 6 keypoints in 640 x 480 pixels, all matched rightly, row by row.
inline HomographyPair ExactPair(const cv::Matx33d& h1_from_0 = cv::Matx33d::eye()) {
  HomographyPair pair;
  pair.size0 = pair.size1 = {640, 480};
  pair.h1_from_0 = h1_from_0;
  for (int i = 0; i < 48; ++i) {
    const cv::Point2f p(40.0f + 80.0f * static_cast<float>(i % 8), 40.0f + 80.0f * static_cast<float>(i / 8));
    pair.keypoints0.push_back(p);
    pair.keypoints1.emplace_back(ApplyHomography(h1_from_0, p));
    pair.matches.push_back({i, i, 1});
  }
  return pair;
}

// The value of a table's statistic of one pair alone; a failure where there is no such statistic.
inline double ValueOf(const std::vector<Statistic>& statistics, const std::string& key,
                      const std::string& threshold, const Measures& measures) {
  for (const Statistic& statistic : statistics) {
    if (statistic.key == key && statistic.threshold == threshold)
      return EstimateStatistic(statistic, {measures}).value;
  }
  ADD_FAILURE() << "no statistic " << key << "@" << threshold;
  return 0;
}

// A misspelt measure would be left out of every row: a column of zeros.
inline void ExpectMeasuresOf(const std::vector<Statistic>& statistics, const Measures& measures) {
  EXPECT_FALSE(statistics.empty());
  for (const Statistic& statistic : statistics)
    EXPECT_EQ(measures.count(statistic.measure), 1u) << statistic.key << "@" << statistic.threshold;
}

}  // namespace colmatch
