// Draws the matches of two images side by side.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <utility>
#include <vector>

namespace colmatch {

struct MatchPictureOptions {
  int max_height_px = 480;  // of the picture without caption; larger images are scaled down
  int gap_px = 8;           // between the two images
  bool draw_keypoints = true;
};

// gray0, gray1: CV_8UC1 or CV_8UC3, of any sizes. keypoints: pixels of those images, the first pixel's centre
// is (0, 0). matches: indices (into keypoints0, keypoints1); confidences: one each in 0..1, or empty (all
// drawn as 1). The surest matches are drawn last, on top; colour goes from blue (0) over green to red (1).
// The caption is drawn below. Returns CV_8UC3 BGR. Throws UsageError if sizes disagree or an index is out of
// range.
cv::Mat DrawMatches(const cv::Mat& gray0, const std::vector<cv::Point2f>& keypoints0, const cv::Mat& gray1,
                    const std::vector<cv::Point2f>& keypoints1,
                    const std::vector<std::pair<int, int>>& matches, const std::vector<float>& confidences,
                    const std::string& caption = "", const MatchPictureOptions& options = {});

// BGR colour of a confidence in 0..1 (clamped): blue, cyan, green, yellow, red.
cv::Scalar ConfidenceColor(float confidence);

}  // namespace colmatch
