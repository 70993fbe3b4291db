// Side-by-side pictures of matches; see match_picture.h.
#include "plugin/report/match_picture.h"

#include <algorithm>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "util/error.h"

namespace colmatch {
namespace {

constexpr int kSubpixelBits = 4;

struct Side {
  cv::Mat picture;  // CV_8UC3, scaled
  double scale = 1;
  int left = 0;  // column of the canvas

  // A keypoint in the canvas, in OpenCV's fixed-point drawing coordinates.
  cv::Point At(const cv::Point2f& keypoint) const {
    // Centres at integers: scaling is about the corner of the first pixel, half a pixel away.
    const double x = (keypoint.x + 0.5) * scale - 0.5 + left, y = (keypoint.y + 0.5) * scale - 0.5;
    return {cvRound(x * (1 << kSubpixelBits)), cvRound(y * (1 << kSubpixelBits))};
  }
};

Side MakeSide(const cv::Mat& image, int left, const MatchPictureOptions& options) {
  if (image.empty() || image.depth() != CV_8U || (image.channels() != 1 && image.channels() != 3)) {
    throw UsageError("match picture: expected a non-empty 8-bit image of 1 or 3 channels");
  }
  Side side;
  side.left = left;
  side.scale = std::min(1.0, double(options.max_height_px) / image.rows);
  cv::Mat scaled = image;
  if (side.scale < 1) {
    const cv::Size size(std::max(1, cvRound(image.cols * side.scale)),
                        std::max(1, cvRound(image.rows * side.scale)));
    cv::resize(image, scaled, size, 0, 0, cv::INTER_AREA);
  }
  if (scaled.channels() == 1) {
    cv::cvtColor(scaled, side.picture, cv::COLOR_GRAY2BGR);
  } else {
    side.picture = scaled.clone();
  }
  return side;
}

void CheckMatches(const std::vector<std::pair<int, int>>& matches, size_t num0, size_t num1,
                  size_t num_confidences) {
  if (num_confidences != 0 && num_confidences != matches.size()) {
    throw UsageError("match picture: " + std::to_string(matches.size()) + " matches, but " +
                     std::to_string(num_confidences) + " confidences");
  }
  for (const auto& [i, j] : matches) {
    if (i < 0 || j < 0 || size_t(i) >= num0 || size_t(j) >= num1) {
      throw UsageError("match picture: match (" + std::to_string(i) + ", " + std::to_string(j) +
                       ") is outside of " + std::to_string(num0) + " and " + std::to_string(num1) +
                       " keypoints");
    }
  }
}

void DrawKeypoints(cv::Mat& canvas, const Side& side, const std::vector<cv::Point2f>& keypoints) {
  for (const cv::Point2f& keypoint : keypoints) {
    cv::circle(canvas, side.At(keypoint), 2 << kSubpixelBits, {20, 20, 20}, cv::FILLED, cv::LINE_AA,
               kSubpixelBits);
    cv::circle(canvas, side.At(keypoint), 1 << kSubpixelBits, {240, 240, 240}, cv::FILLED, cv::LINE_AA,
               kSubpixelBits);
  }
}

void DrawCaption(cv::Mat& canvas, const std::string& caption) {
  cv::Mat strip(30, canvas.cols, CV_8UC3, cv::Scalar(32, 28, 24));
  int baseline = 0;
  const double wide = cv::getTextSize(caption, cv::FONT_HERSHEY_SIMPLEX, 1.0, 1, &baseline).width;
  const double scale = std::min(0.5, (strip.cols - 16) / std::max(wide, 1.0));
  cv::putText(strip, caption, {8, 20}, cv::FONT_HERSHEY_SIMPLEX, scale, {235, 235, 235}, 1, cv::LINE_AA);
  cv::vconcat(canvas, strip, canvas);
}

}  // namespace

cv::Scalar ConfidenceColor(float confidence) {
  const double position =
      4.0 * std::clamp(double(confidence), 0.0, 1.0);  // four straight ways between five colours
  const double blue = std::clamp(2 - position, 0.0, 1.0), red = std::clamp(position - 2, 0.0, 1.0);
  const double green = std::min(std::clamp(position, 0.0, 1.0), std::clamp(4 - position, 0.0, 1.0));
  return {255 * blue, 255 * green, 255 * red};
}

cv::Mat DrawMatches(const cv::Mat& gray0, const std::vector<cv::Point2f>& keypoints0, const cv::Mat& gray1,
                    const std::vector<cv::Point2f>& keypoints1,
                    const std::vector<std::pair<int, int>>& matches, const std::vector<float>& confidences,
                    const std::string& caption, const MatchPictureOptions& options) {
  CheckMatches(matches, keypoints0.size(), keypoints1.size(), confidences.size());
  const Side left = MakeSide(gray0, 0, options);
  const Side right = MakeSide(gray1, left.picture.cols + options.gap_px, options);
  cv::Mat canvas(std::max(left.picture.rows, right.picture.rows), right.left + right.picture.cols, CV_8UC3,
                 cv::Scalar(255, 255, 255));
  for (const Side* side : {&left, &right}) {
    side->picture.copyTo(canvas(cv::Rect({side->left, 0}, side->picture.size())));
  }
  if (options.draw_keypoints) {
    DrawKeypoints(canvas, left, keypoints0);
    DrawKeypoints(canvas, right, keypoints1);
  }
  const auto confidence = [&](size_t m) { return confidences.empty() ? 1.0f : confidences[m]; };
  std::vector<size_t> order(matches.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return confidence(a) < confidence(b); });
  for (const size_t m : order) {
    const cv::Point from = left.At(keypoints0[matches[m].first]),
                    to = right.At(keypoints1[matches[m].second]);
    const cv::Scalar color = ConfidenceColor(confidence(m));
    cv::line(canvas, from, to, color, 1, cv::LINE_AA, kSubpixelBits);
    for (const cv::Point& end : {from, to}) {
      cv::circle(canvas, end, 2 << kSubpixelBits, color, cv::FILLED, cv::LINE_AA, kSubpixelBits);
    }
  }
  if (!caption.empty()) DrawCaption(canvas, caption);
  return canvas;
}

}  // namespace colmatch
