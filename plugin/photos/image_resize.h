// The one place where photos are resized for the network and keypoints are brought back to the photo's
// pixels.
#pragma once

#include <opencv2/core.hpp>

namespace colmatch {

struct ResizedImage {
  cv::Mat pixels;        // (h, w) CV_32F, values in [0, 1], contiguous
  double scale_x = 1.0;  // original px per resized px
  double scale_y = 1.0;

  double scale() const;  // of both, their geometric mean
};

// Shrinks so that the longer side is max_image_size_px; 0 never resizes; smaller images are never enlarged.
// The shorter side is rounded and at least 1 px. gray: CV_8U, or CV_32F in [0, 1], one channel, not empty.
// Throws UsageError if max_image_size_px is negative.
ResizedImage ResizeForNetwork(const cv::Mat& gray, int max_image_size_px);

// Resized pixels to original pixels. A pixel's centre is an integer coordinate, the first is (0, 0), so an
// edge is at -0.5 in both images and the edges, not the centres, coincide: x_orig = (x + 0.5) * scale - 0.5.
cv::Point2f MapToOriginal(const ResizedImage& resized, const cv::Point2f& point_in_resized);

// The inverse.
cv::Point2f MapToResized(const ResizedImage& resized, const cv::Point2f& point_in_original);

}  // namespace colmatch
