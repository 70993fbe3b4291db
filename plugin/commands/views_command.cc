// `colmatch prepare_views`: a COLMAP model and its photos to views that SuperGlue is trained on.
#include <filesystem>
#include <opencv2/imgproc.hpp>

#include "evaluation/colmap_model.h"
#include "geometry/camera.h"
#include "geometry/relative_pose.h"
#include "geometry/undistort.h"
#include "plugin/commands/command_list.h"
#include "plugin/extraction/colmap_convert.h"
#include "plugin/photos/image_reader.h"
#include "plugin/photos/image_resize.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "training/data/reconstruction.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

Camera CameraOf(const ColmapModelCamera& from) {
  Camera camera;
  camera.model_id = static_cast<int>(CameraModelByName(from.model).id);
  camera.width = static_cast<int64_t>(from.width);
  camera.height = static_cast<int64_t>(from.height);
  camera.params = from.params;
  return camera;
}

// A camera without distortion for the resized photo, in COLMAP's convention of pixels.
struct Pinhole {
  double fx, fy, cx, cy;
};

Pinhole PinholeOf(const Camera& camera, const ResizedImage& resized) {
  const Eigen::Matrix3d K = CalibrationMatrix(camera);
  return {K(0, 0) / resized.scale_x, K(1, 1) / resized.scale_y, K(0, 2) / resized.scale_x,
          K(1, 2) / resized.scale_y};
}

// What the pinhole camera sees; black where the photo ends.
cv::Mat Undistorted(const ResizedImage& resized, const Camera& camera, const Pinhole& pinhole) {
  cv::Mat map(resized.pixels.size(), CV_32FC2);
  for (int y = 0; y < map.rows; ++y) {
    for (int x = 0; x < map.cols; ++x) {
      const Eigen::Vector2d direction((x + kColmapPixelShift - pinhole.cx) / pinhole.fx,
                                      (y + kColmapPixelShift - pinhole.cy) / pinhole.fy);
      const Eigen::Vector2d photo = ProjectNormalized(camera, direction);
      map.at<cv::Vec2f>(y, x) = {static_cast<float>(photo.x() / resized.scale_x - kColmapPixelShift),
                                 static_cast<float>(photo.y() / resized.scale_y - kColmapPixelShift)};
    }
  }
  cv::Mat undistorted, bytes;
  cv::remap(resized.pixels, undistorted, map, cv::Mat(), cv::INTER_LINEAR, cv::BORDER_CONSTANT);
  undistorted.convertTo(bytes, CV_8U, 255.0);
  return bytes;
}

std::array<double, 12> ProjectionOf(const Pinhole& pinhole, const ColmapModelImage& image) {
  Eigen::Matrix3d k;
  k << pinhole.fx, 0, pinhole.cx - kColmapPixelShift, 0, pinhole.fy, pinhole.cy - kColmapPixelShift, 0, 0, 1;
  Eigen::Matrix<double, 3, 4, Eigen::RowMajor> projection;
  projection << k * image.rotation.toRotationMatrix(), k * image.translation;
  std::array<double, 12> entries{};
  std::copy_n(projection.data(), entries.size(), entries.begin());
  return entries;
}

class PrepareViews : public Command {
 public:
  std::string name() const override { return "prepare_views"; }
  std::string description() const override {
    return "Undistort the photos of a COLMAP model, with the points they see, into one file that `colmatch "
           "train superglue --views` reads: pairs with real parallax";
  }
  std::string examples() const override {
    return "  colmatch prepare_views --image_path PHOTOS --input_path WORKSPACE/sparse/0 --output "
           "street.views\n"
           "  colmatch train superglue --shards train.shard --views street.views church.views ...";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--image_path", image_path_, "folder of photos")->required();
    AddOption(app, "--input_path", input_path_, "folder of the sparse COLMAP model")->required();
    AddOption(app, "--output", output_, "file to write")->required();
    AddOption(app, "--max_image_size", max_image_size_, "longer side of the stored photos, pixels",
              {16, 65535});
    AddOption(app, "--max_error", max_error_px_,
              "maximum mean reprojection error of a point, pixels of the photo");
    AddOption(app, "--min_track_length", min_track_length_, "minimum number of photos that see a point");
  }

  int Run(const CommonOptions& common) override {
    model_ = ReadColmapModel(input_path_);
    std::vector<ReconstructedView> views;
    size_t num_points = 0, skipped = 0;
    ProgressBar bar("views", static_cast<int64_t>(model_.images.size()), common.progress);
    for (const auto& [id, image] : model_.images) {
      if (StopRequested()) return StopStatus();
      try {
        views.push_back(MakeView(image));
        num_points += views.back().points.size();
      } catch (const InputError& error) {
        LogWarning(std::string("left out ") + error.what());
        ++skipped;
      }
      bar.Update(static_cast<int64_t>(views.size() + skipped));
    }
    if (views.empty())
      throw UsageError(input_path_ + ": none of its " + std::to_string(model_.images.size()) +
                       " photos can be used");
    WriteReconstruction(output_, views);
    LogInfo(output_ + ": " + std::to_string(views.size()) + " photos, " +
            std::to_string(num_points / views.size()) + " points each; " + std::to_string(skipped) +
            " left out");
    return skipped == 0 ? 0 : 2;
  }

 private:
  ReconstructedView MakeView(const ColmapModelImage& image) const {
    const Camera camera = CameraOf(model_.cameras.at(image.camera_id));
    const GrayImage photo = ReadGrayImage(fs::path(image_path_) / image.name);
    if (photo.width != camera.width || photo.height != camera.height) {
      throw InputError(image.name + ": is " + std::to_string(photo.width) + "x" +
                       std::to_string(photo.height) + " pixels, its camera in the model " +
                       std::to_string(camera.width) + "x" + std::to_string(camera.height));
    }
    const ResizedImage resized = ResizeForNetwork(photo.gray, max_image_size_);
    const Pinhole pinhole = PinholeOf(camera, resized);
    const cv::Mat bytes = Undistorted(resized, camera, pinhole);
    ReconstructedView view;
    view.name = image.name;
    view.width = bytes.cols;
    view.height = bytes.rows;
    view.pixels.assign(bytes.data, bytes.data + bytes.total());
    view.projection = ProjectionOf(pinhole, image);
    for (const uint64_t id : image.points) {
      const ColmapModelPoint& point = model_.points.at(id);
      if (point.error_px > max_error_px_ || point.track_length < min_track_length_) continue;
      view.points.push_back({id, point.position.x(), point.position.y(), point.position.z()});
    }
    return view;
  }

  std::string image_path_, input_path_, output_;
  int max_image_size_ = 640;
  double max_error_px_ = 2;
  uint64_t min_track_length_ = 3;
  ColmapModel model_;
};

}  // namespace

std::unique_ptr<Command> MakePrepareViewsCommand() { return std::make_unique<PrepareViews>(); }

}  // namespace colmatch
