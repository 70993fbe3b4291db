// What the matches of a homography pair are worth: precision, recall, and the corner error of the
// homographies they give. Protocol A: Sarlin 2020, section 5.1.
#pragma once

#include <opencv2/core.hpp>
#include <utility>
#include <vector>

namespace colmatch {

// One pair. Keypoints in pixels of their image, first pixel (0, 0); both images have the same size.
struct HomographyPair {
  std::vector<cv::Point2f> keypoints0, keypoints1;
  std::vector<std::pair<int, int>> matches;
  int num_possible = 0;  // ground-truth matches
  cv::Matx33d h1_from_0 = cv::Matx33d::eye();
  int width = 0, height = 0;
};

struct HomographyResult {
  int num_matches = 0, num_correct = 0, num_possible = 0;
  double precision = 0;              // correct / matches; 0 without matches
  double recall = 0;                 // correct / possible; 0 without possible ones
  double localization_error_px = 0;  // mean reprojection error of the correct matches; 0 without any
  double error_ransac = 0;  // mean distance of the four warped corners, pixels; infinite where none was found
  double error_dlt = 0;
};

struct HomographyMetricOptions {
  double correct_px = 3;  // reprojection error of a correct match
  double ransac_threshold_px = 3;
  int ransac_iterations = 3000;
};

// RANSAC: OpenCV's findHomography; DLT: least squares over all matches.
HomographyResult EvaluateHomographyPair(const HomographyPair& pair,
                                        const HomographyMetricOptions& options = {});

struct HomographySummary {
  int num_pairs = 0, num_failed = 0;  // failed: no homography from RANSAC
  double precision = 0, recall = 0;   // means over pairs, in [0, 1]
  double auc_ransac_3 = 0, auc_ransac_5 = 0, auc_ransac_10 = 0;
  double auc_dlt_3 = 0, auc_dlt_5 = 0, auc_dlt_10 = 0;
  double mean_matches = 0;
  double localization_error_px = 0;  // mean over the pairs with a correct match
};

HomographySummary Summarize(const std::vector<HomographyResult>& results);

}  // namespace colmatch
