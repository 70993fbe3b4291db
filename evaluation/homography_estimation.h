// Estimates homographies from matches, as the evaluation protocols do, and measures their errors.
#pragma once

#include <array>
#include <opencv2/core.hpp>
#include <vector>

#include "evaluation/matched_pair.h"

namespace colmatch {

cv::Point2d ApplyHomography(const cv::Matx33d& h, const cv::Point2d& p);

// The points of the matches, in the order of the matches.
struct PointLists {
  std::vector<cv::Point2f> points0, points1;
};
PointLists MatchedPoints(const MatchedPair2d& pair);

// The following functions return an empty matrix for fewer than four matches. For matches on a line, the
// result is empty or useless.
struct RansacOptions {
  double threshold_px = 3;
  int max_iterations = 3000;
  double confidence = 0.995;
};
cv::Mat RansacHomography(const PointLists& points, const RansacOptions& options);  // OpenCV's

// The least-squares homography over all matches: OpenCV's normalised direct linear transform, then
// refinement.
cv::Mat LeastSquaresHomography(const PointLists& points);

// The normalised direct linear transform (Hartley and Zisserman, algorithm 4.2), in which the two equations
// of a match are weighted by its confidence; "DLT" in glue-factory.
cv::Mat WeightedDlt(const PointLists& points, const std::vector<double>& weights);

// Mean distance in pixels between the four corners mapped by the estimate and by the ground truth. Infinite
// for an empty or useless estimate.
double MeanCornerError(const cv::Mat& estimate, const cv::Matx33d& truth,
                       const std::array<cv::Point2d, 4>& corners);

// Centres of the corner pixels: (0, 0) .. (width - 1, height - 1).
std::array<cv::Point2d, 4> CornerPixels(const cv::Size& size);
// Corners as used by glue-factory and by the first earlier study: (0, 0) .. (width, height).
std::array<cv::Point2d, 4> CornersByExtent(const cv::Size& size);

// The keypoints of image 0 that have a true correspondence: the keypoint and a keypoint of image 1 are mutual
// nearest neighbours under the homography, at a distance below radius_px.
std::vector<size_t> TrueCorrespondences(const HomographyPair& pair, double radius_px);

// Repeatability of keypoints in the region that both images show (Mikolajczyk 2005; SuperPoint's
// epsilon-repeatability), and their localization error.
struct Repeatability {
  double share = 0;                      // of the keypoints in the common region; 0 if there are none
  double localization_error_px = 0;      // mean distance of mutual nearest keypoints within the radius
  int num_common = 0, num_repeated = 0;  // keypoints in the common region; mutual nearest pairs
};
Repeatability MeasureRepeatability(const HomographyPair& pair, double radius_px);

}  // namespace colmatch
