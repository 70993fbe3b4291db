// Two images' keypoints and the matches a method found between them: what every protocol measures.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace colmatch {

struct IndexMatch {
  int index0 = 0, index1 = 0;
  double confidence = 1;
};

// Keypoints in pixels of their image, first pixel (0, 0).
struct MatchedPair2d {
  std::vector<cv::Point2f> keypoints0, keypoints1;
  std::vector<IndexMatch> matches;
};

// Of a plane, or of a camera that only turned.
struct HomographyPair : MatchedPair2d {
  cv::Matx33d h1_from_0 = cv::Matx33d::eye();
  cv::Size size0, size1;  // of the images, pixels
};

}  // namespace colmatch
