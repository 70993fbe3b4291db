// Distinct places among keypoints: several of one place are worth no more than one.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace colmatch {

inline constexpr double kPlacePx = 3;  // keypoints this close show one place

// How many points are left when each, in the order given, takes all others within `radius_px` with it.
int CountPlaces(const std::vector<cv::Point2f>& points, double radius_px = kPlacePx);

}  // namespace colmatch
