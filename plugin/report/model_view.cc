// Models to be shown; see model_view.h.
#include "plugin/report/model_view.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <random>

#include "util/image_names.h"
#include "util/median.h"

namespace colmatch {
namespace {

constexpr int kThumbnailWidth_px = 240;
constexpr int kThumbnailQuality = 70;
constexpr float kEyeDistance = 2.6F;
constexpr float kEyeHeight = 0.45F;  // of it, per distance on the ground

Eigen::Vector3d MiddleOf(const std::vector<Eigen::Vector3d>& points) {
  Eigen::Vector3d result;
  for (int axis = 0; axis < 3; ++axis) {
    std::vector<double> values;
    for (const auto& point : points) values.push_back(point[axis]);
    result[axis] = UpperMedian(std::move(values));
  }
  return result;
}

// From the model's world to the view's.
struct ToView {
  Eigen::Matrix3d rotation = Eigen::Matrix3d::Identity();
  Eigen::Vector3d middle = Eigen::Vector3d::Zero();
  double scale = 1;

  cv::Vec3f Direction(const Eigen::Vector3d& v) const {
    const Eigen::Vector3d turned = rotation * v;
    return {static_cast<float>(turned.x()), static_cast<float>(turned.y()), static_cast<float>(turned.z())};
  }
  cv::Vec3f Place(const Eigen::Vector3d& p) const { return Direction((p - middle) * scale); }
};

// Photographers hold their cameras upright: up is the mean of the photos' ups.
Eigen::Matrix3d Upright(const ColmapModel& model) {
  Eigen::Vector3d up = Eigen::Vector3d::Zero();
  for (const auto& item : model.images) up += item.second.rotation.conjugate() * Eigen::Vector3d(0, -1, 0);
  if (up.norm() < 1e-6) return Eigen::Matrix3d::Identity();
  return Eigen::Quaterniond::FromTwoVectors(up, Eigen::Vector3d::UnitY()).toRotationMatrix();
}

ToView Fit(const ColmapModel& model) {
  ToView to;
  to.rotation = Upright(model);
  std::vector<Eigen::Vector3d> places;
  for (const auto& item : model.points) places.push_back(item.second.position);
  if (places.empty()) {
    for (const auto& item : model.images) places.push_back(item.second.Center());
  }
  if (places.empty()) return to;
  to.middle = MiddleOf(places);
  std::vector<double> distances;
  for (const auto& place : places) distances.push_back((place - to.middle).norm());
  const auto tenth = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() * 9 / 10);
  std::nth_element(distances.begin(), tenth, distances.end());
  if (*tenth > 0) to.scale = 1 / *tenth;
  return to;
}

// The first parameter is the focal length, of x where there are two, in every model of COLMAP's that has one.
std::array<cv::Vec3f, 4> Corners(const ColmapModelCamera& camera, const ColmapModelImage& image,
                                 const ToView& to) {
  const double focal =
      camera.params.empty() || camera.params[0] <= 0 ? double(camera.width) : camera.params[0];
  const double x = 0.5 * double(camera.width) / focal, y = 0.5 * double(camera.height) / focal;
  std::array<cv::Vec3f, 4> corners;
  const double signs[4][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
  for (size_t c = 0; c < 4; ++c) {
    corners[c] =
        to.Direction(image.rotation.conjugate() * Eigen::Vector3d(signs[c][0] * x, signs[c][1] * y, 1));
  }
  return corners;
}

// From where the photographers stood, a little above them; from the side where they stood all around.
cv::Vec3f GoodEye(const std::vector<ModelView::Camera>& cameras) {
  cv::Vec3f sum(0, 0, 0);
  for (const auto& camera : cameras) {
    const cv::Vec3f ground(camera.center[0], 0, camera.center[2]);
    if (cv::norm(ground) > 0) sum += ground / static_cast<float>(cv::norm(ground));
  }
  if (cv::norm(sum) < 0.2 * static_cast<double>(cameras.size())) sum = {0.5F, 0, 1};
  const cv::Vec3f direction =
      cv::normalize(sum / static_cast<float>(cv::norm(sum)) + cv::Vec3f(0, kEyeHeight, 0));
  return direction * kEyeDistance;
}

void AddPoints(const ColmapModel& model, const ToView& to, size_t max_num_points, ModelView& view) {
  std::vector<const ColmapModelPoint*> points;
  for (const auto& item : model.points) points.push_back(&item.second);
  std::mt19937 rng(1);
  for (size_t i = points.size(); i > 1; --i) std::swap(points[i - 1], points[rng() % i]);
  for (const ColmapModelPoint* point : points) {
    if (view.positions.size() >= max_num_points) break;
    const cv::Vec3f place = to.Place(point->position);
    if (!(cv::norm(place, cv::NORM_INF) < ModelView::kReach)) continue;
    view.positions.push_back(place);
    view.rgbs.push_back(point->rgb);
  }
}

}  // namespace

ModelView MakeModelView(const ColmapModel& model, const std::vector<std::string>& names,
                        size_t max_num_points) {
  ModelView view;
  view.num_points = model.points.size();
  const ToView to = Fit(model);
  AddPoints(model, to, max_num_points, view);
  std::map<std::string, int> index;
  for (size_t i = 0; i < names.size(); ++i) index[names[i]] = static_cast<int>(i);
  for (const auto& item : model.images) {
    const ColmapModelImage& image = item.second;
    const auto found = index.find(image.name);
    const cv::Vec3f center = to.Place(image.Center());
    if (found == index.end() || !(cv::norm(center, cv::NORM_INF) < ModelView::kReach)) continue;
    view.cameras.push_back({found->second, center, Corners(model.cameras.at(image.camera_id), image, to)});
  }
  std::sort(view.cameras.begin(), view.cameras.end(),
            [](const auto& a, const auto& b) { return a.image < b.image; });
  view.eye = GoodEye(view.cameras);
  return view;
}

void AddThumbnails(ModelView& view, const std::vector<std::string>& names,
                   const std::filesystem::path& image_path, size_t max_num_thumbnails) {
  const size_t count = std::min(view.cameras.size(), max_num_thumbnails);
  for (size_t k = 0; k < count; ++k) {
    ModelView::Camera& camera = view.cameras[k * view.cameras.size() / count];
    const auto path = PhotoPath(image_path, names[static_cast<size_t>(camera.image)]);
    const cv::Mat photo =
        cv::imread(path.string(), cv::IMREAD_REDUCED_COLOR_4 | cv::IMREAD_IGNORE_ORIENTATION);
    if (photo.empty()) continue;
    const int height = std::max(1, photo.rows * kThumbnailWidth_px / photo.cols);
    cv::Mat small = photo;
    if (photo.cols > kThumbnailWidth_px)
      cv::resize(photo, small, {kThumbnailWidth_px, height}, 0, 0, cv::INTER_AREA);
    cv::imencode(".jpg", small, camera.jpeg, {cv::IMWRITE_JPEG_QUALITY, kThumbnailQuality});
  }
}

}  // namespace colmatch
