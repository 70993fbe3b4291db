// The legacy homography protocol: what both seeds of this project were measured with (gouthamvgk's
// match_homography.py), so that numbers can stand beside theirs. It flatters:
//   - pairs with fewer than 12 matches are dropped from every mean, so a weak model looks better;
//   - its "DLT" is the exact homography of the four most confident matches, not a least squares one;
//   - a wrong match is not counted as a miss by its recall;
//   - a photo is warped whole, so that borders of the warp are seen, and only one of the two images is
//   warped.
#pragma once

#include <optional>
#include <vector>

#include "evaluation/homography_estimation.h"
#include "evaluation/summary.h"

namespace colmatch {

struct LegacyProtocolOptions {
  double correct_px = 3;
  size_t min_matches = 12;
  int num_rounds = 3;  // of mutual nearest neighbours among the keypoints left
};

// Ground truth: index in image 1 of each keypoint of image 0, or -1. Mutual nearest neighbours in image 1
// below correct_px; then the same among what is left.
std::vector<int> LegacyGroundTruth(const HomographyPair& pair, const LegacyProtocolOptions& options = {});

// Measures: precision, recall, error_dlt, error_ransac, num_matches. Nothing for a pair that is dropped.
std::optional<Measures> MeasureLegacyPair(const HomographyPair& pair,
                                          const LegacyProtocolOptions& options = {});

std::vector<Statistic> LegacyStatistics();

}  // namespace colmatch
