// Resizing and its inverse on coordinates.
#include "plugin/photos/image_resize.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <string>

#include "util/error.h"

namespace colmatch {

double ResizedImage::scale() const { return std::sqrt(scale_x * scale_y); }

ResizedImage ResizeForNetwork(const cv::Mat& gray, int max_image_size_px) {
  if (max_image_size_px < 0) {
    throw UsageError("max_image_size is " + std::to_string(max_image_size_px) +
                     "; expected 0 (never resize) or more");
  }
  if (gray.empty() || (gray.type() != CV_8U && gray.type() != CV_32F))
    throw InputError("ResizeForNetwork expects a grey image, of 8 bits or float");
  ResizedImage result;
  gray.convertTo(result.pixels, CV_32F, gray.type() == CV_8U ? 1.0 / 255.0 : 1.0);
  const int longer_side = std::max(gray.cols, gray.rows);
  if (max_image_size_px == 0 || longer_side <= max_image_size_px) return result;

  const double factor = static_cast<double>(max_image_size_px) / longer_side;
  const cv::Size size(std::max(1, static_cast<int>(std::lround(gray.cols * factor))),
                      std::max(1, static_cast<int>(std::lround(gray.rows * factor))));
  cv::Mat shrunk;
  cv::resize(result.pixels, shrunk, size, 0, 0, cv::INTER_AREA);
  result.pixels = shrunk;
  // From the rounded size, so that the corners map exactly.
  result.scale_x = static_cast<double>(gray.cols) / size.width;
  result.scale_y = static_cast<double>(gray.rows) / size.height;
  return result;
}

cv::Point2f MapToOriginal(const ResizedImage& resized, const cv::Point2f& point_in_resized) {
  return {static_cast<float>((point_in_resized.x + 0.5) * resized.scale_x - 0.5),
          static_cast<float>((point_in_resized.y + 0.5) * resized.scale_y - 0.5)};
}

cv::Point2f MapToResized(const ResizedImage& resized, const cv::Point2f& point_in_original) {
  return {static_cast<float>((point_in_original.x + 0.5) / resized.scale_x - 0.5),
          static_cast<float>((point_in_original.y + 0.5) / resized.scale_y - 0.5)};
}

}  // namespace colmatch
