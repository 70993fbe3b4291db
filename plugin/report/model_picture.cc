// A painter with a depth buffer; see model_picture.h.
#include "plugin/report/model_picture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <optional>

namespace colmatch {
namespace {

const cv::Scalar kBackground(45, 37, 31);
const cv::Scalar kCamera(233, 180, 86);  // the light blue of Okabe and Ito, for any kind of colour vision
constexpr float kPyramidDepth = 0.09F;

// Looks at the origin from `eye` with a field of view of 50 degrees.
class Projection {
 public:
  Projection(const cv::Vec3f& eye, cv::Size size) : eye_(eye), size_(size) {
    forward_ = -cv::normalize(eye);
    right_ = cv::normalize(forward_.cross(cv::Vec3f(0, 1, 0)));
    up_ = right_.cross(forward_);
    focal_ = static_cast<float>(0.5 * std::min(size.width, size.height) / std::tan(25 * CV_PI / 180));
  }
  // x, y in pixels and the depth; nothing behind the eye.
  std::optional<cv::Vec3f> operator()(const cv::Vec3f& place) const {
    const cv::Vec3f from = place - eye_;
    const float depth = from.dot(forward_);
    if (depth < 0.05F) return std::nullopt;
    return cv::Vec3f(0.5F * float(size_.width) + focal_ * from.dot(right_) / depth,
                     0.5F * float(size_.height) - focal_ * from.dot(up_) / depth, depth);
  }

 private:
  cv::Vec3f eye_, forward_, right_, up_;
  cv::Size size_;
  float focal_ = 1;
};

// Moves back until the cameras are in sight too, as far as nine tenths of them are near the scene.
cv::Vec3f EyeFor(const ModelView& view) {
  std::vector<double> far;
  for (const auto& camera : view.cameras) far.push_back(cv::norm(camera.center));
  if (far.empty()) return view.eye;
  std::sort(far.begin(), far.end());
  const double extent = std::min(4.0, far[far.size() * 9 / 10 < far.size() ? far.size() * 9 / 10 : 0]);
  return view.eye * static_cast<float>(std::max(1.0, 0.75 * extent));
}

void DrawPoints(const ModelView& view, const Projection& project, cv::Mat& picture) {
  cv::Mat depths(picture.size(), CV_32F, cv::Scalar(std::numeric_limits<float>::max()));
  // Few points are drawn larger, so that there is something to see.
  const double a_point = double(picture.total()) / std::max<double>(1, double(view.positions.size()));
  const int radius = a_point > 60 ? 1 : 0;
  for (size_t i = 0; i < view.positions.size(); ++i) {
    const auto at = project(view.positions[i]);
    if (!at) continue;
    const int x = cvRound((*at)[0]), y = cvRound((*at)[1]);
    for (int v = std::max(0, y - radius); v <= std::min(picture.rows - 1, y + radius); ++v) {
      for (int u = std::max(0, x - radius); u <= std::min(picture.cols - 1, x + radius); ++u) {
        if (depths.at<float>(v, u) < (*at)[2]) continue;
        depths.at<float>(v, u) = (*at)[2];
        picture.at<cv::Vec3b>(v, u) = {view.rgbs[i][2], view.rgbs[i][1], view.rgbs[i][0]};
      }
    }
  }
}

void DrawCameras(const ModelView& view, const Projection& project, cv::Mat& picture) {
  const auto line = [&](const cv::Vec3f& a, const cv::Vec3f& b) {
    const auto from = project(a), to = project(b);
    if (!from || !to) return;
    cv::line(picture, cv::Point2f((*from)[0], (*from)[1]), cv::Point2f((*to)[0], (*to)[1]), kCamera, 1,
             cv::LINE_AA);
  };
  for (const auto& camera : view.cameras) {
    std::array<cv::Vec3f, 4> corners;
    for (size_t c = 0; c < 4; ++c) corners[c] = camera.center + kPyramidDepth * camera.corners[c];
    for (size_t c = 0; c < 4; ++c) {
      line(corners[c], corners[(c + 1) % 4]);
      line(camera.center, corners[c]);
    }
  }
}

std::string Colour(const char* ground, const cv::Vec3b& bgr) {
  return std::string("\x1b[") + ground + ";2;" + std::to_string(bgr[2]) + ";" + std::to_string(bgr[1]) + ";" +
         std::to_string(bgr[0]) + "m";
}

}  // namespace

cv::Mat DrawModel(const ModelView& view, cv::Size size) {
  cv::Mat picture(size, CV_8UC3, kBackground);
  const Projection project(EyeFor(view), size);
  DrawPoints(view, project, picture);
  DrawCameras(view, project, picture);
  return picture;
}

std::string ModelForTerminal(const ModelView& view, int columns, int rows) {
  constexpr int kFiner = 3;  // what is drawn larger and then shrunk has fewer holes
  cv::Mat picture;
  cv::resize(DrawModel(view, {kFiner * columns, kFiner * 2 * rows}), picture, {columns, 2 * rows}, 0, 0,
             cv::INTER_AREA);
  std::string text;
  for (int y = 0; y + 1 < picture.rows; y += 2) {
    for (int x = 0; x < picture.cols; ++x) {
      text += Colour("38", picture.at<cv::Vec3b>(y, x)) + Colour("48", picture.at<cv::Vec3b>(y + 1, x)) +
              "\xE2\x96\x80";  // upper half block
    }
    text += "\x1b[0m\n";
  }
  return text;
}

}  // namespace colmatch
