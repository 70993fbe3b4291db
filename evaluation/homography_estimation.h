// Homographies from matches, as the protocols make them, and how far they are from the truth.
#pragma once

#include <array>
#include <opencv2/core.hpp>
#include <vector>

#include "evaluation/matched_pair.h"

namespace colmatch {

cv::Point2d ApplyHomography(const cv::Matx33d& h, const cv::Point2d& p);

// Matched points, in the order of the matches.
struct PointLists {
  std::vector<cv::Point2f> points0, points1;
};
PointLists MatchedPoints(const MatchedPair2d& pair);

// The following return an empty matrix for fewer than four matches; for matches on a line one that is empty
// or useless.
struct RansacOptions {
  double threshold_px = 3;
  int max_iterations = 3000;
  double confidence = 0.995;
};
cv::Mat RansacHomography(const PointLists& points, const RansacOptions& options);  // OpenCV's

// Least squares over all matches: OpenCV's normalised direct linear transform, then refined.
cv::Mat LeastSquaresHomography(const PointLists& points);

// The normalised direct linear transform (Hartley and Zisserman, algorithm 4.2) with each match's two
// equations weighted by its confidence; glue-factory's "DLT".
cv::Mat WeightedDlt(const PointLists& points, const std::vector<double>& weights);

// Mean distance, pixels, of four corners taken by the estimate from where they belong; infinite for an empty
// or useless estimate.
double MeanCornerError(const cv::Mat& estimate, const cv::Matx33d& truth,
                       const std::array<cv::Point2d, 4>& corners);

// Corner pixels' centres: (0, 0) .. (width - 1, height - 1).
std::array<cv::Point2d, 4> CornerPixels(const cv::Size& size);
// As glue-factory and the first seed take them: (0, 0) .. (width, height).
std::array<cv::Point2d, 4> CornersByExtent(const cv::Size& size);

// Keypoints of image 0 that have a true correspondence: they and a keypoint of image 1 are each other's
// nearest there, closer than radius_px.
std::vector<size_t> TrueCorrespondences(const HomographyPair& pair, double radius_px);

// How often keypoints are found again where both images look (Mikolajczyk 2005; SuperPoint's epsilon-
// repeatability) and how far from their place.
struct Repeatability {
  double share = 0;                      // of the keypoints in the common part; 0 where there are none
  double localization_error_px = 0;      // mean distance of mutual nearest keypoints within the radius
  int num_common = 0, num_repeated = 0;  // mutual pairs
};
Repeatability MeasureRepeatability(const HomographyPair& pair, double radius_px);

}  // namespace colmatch
