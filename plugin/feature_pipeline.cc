// Feature extraction of a collection; see feature_pipeline.h.
#include "plugin/feature_pipeline.h"

#include <filesystem>
#include <future>
#include <memory>
#include <sstream>

#include "database_io/colmap_database.h"
#include "matcher/frontend.h"
#include "network/error.h"
#include "plugin/colmap_convert.h"
#include "plugin/database_options.h"
#include "plugin/exif.h"
#include "plugin/image_reader.h"
#include "plugin/log.h"
#include "plugin/progress.h"
#include "plugin/stop_signal.h"
#include "plugin/weights_location.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// A photo read ahead while the network works on the one before.
struct Photo {
  std::string name;
  ExifInfo exif;
  ResizedImage resized;
  int width = 0, height = 0;
  std::string error;  // why it cannot be used; empty if it can
};

Photo ReadPhoto(const fs::path& folder, const std::string& name, int max_image_size) {
  Photo photo;
  photo.name = name;
  try {
    const GrayImage image = ReadGrayImage(folder / name);
    photo.exif = ReadExif(folder / name);
    photo.width = image.width;
    photo.height = image.height;
    photo.resized = ResizeForNetwork(image.gray, max_image_size);
  } catch (const InputError& error) {
    photo.error = error.what();
  }
  return photo;
}

Features ToOriginalPixels(Features features, const Photo& photo) {
  features.keypoints = MapKeypoints(features.keypoints, photo.resized, MapToOriginal);
  features.width = photo.width;
  features.height = photo.height;
  return features;
}

FeatureRecord RecordOf(const Photo& photo) {
  FeatureRecord record;
  record.name = photo.name;
  record.error = photo.error;
  record.exif = photo.exif;
  record.width = photo.width;
  record.height = photo.height;
  return record;
}

FeatureRecord ExtractPhoto(const Photo& photo, FeatureExtractor& extractor) {
  FeatureRecord record = RecordOf(photo);
  if (!photo.error.empty()) return record;
  try {
    const cv::Mat& pixels = photo.resized.pixels;
    const Features features =
        ToOriginalPixels(extractor.Extract(pixels.ptr<float>(), pixels.cols, pixels.rows), photo);
    record.keypoints = KeypointsForColmap(features);
    record.descriptors = DescriptorsForColmap(features);
    record.scores = ScoresForColmap(features);
  } catch (const InputError& error) {
    record.error = error.what();
  }
  return record;
}

// The image's id; camera and image rows are made if they are not there.
image_t ImageRow(ColmapDatabase& database, CameraAssigner& cameras, const FeatureRecord& photo) {
  if (const auto image = database.FindImage(photo.name)) return image->image_id;
  Camera camera = cameras.Assign(photo.name, photo.width, photo.height, photo.exif);
  if (camera.camera_id == 0) camera.camera_id = database.AddCamera(camera);
  cameras.Remember(photo.name, photo.exif, camera);
  Image image;
  image.name = photo.name;
  image.camera_id = camera.camera_id;
  if (photo.exif.latitude_deg && photo.exif.longitude_deg) {
    image.prior_position =
        GeoPosition{*photo.exif.latitude_deg, *photo.exif.longitude_deg, photo.exif.altitude_m.value_or(0)};
  }
  return database.AddImage(image);
}

std::vector<std::string> NamesToExtract(ColmapDatabase& database, const std::vector<std::string>& names,
                                        const std::string& provenance, FeaturePipelineStats& stats) {
  std::vector<std::string> todo;
  for (const std::string& name : names) {
    if (FeaturesAreThere(database, name, provenance)) {
      ++stats.already_there;
    } else {
      todo.push_back(name);
    }
  }
  return todo;
}

}  // namespace

torch::Tensor MapKeypoints(const torch::Tensor& keypoints, const ResizedImage& resized,
                           cv::Point2f (*map)(const ResizedImage&, const cv::Point2f&)) {
  auto mapped = keypoints.clone(at::MemoryFormat::Contiguous);
  float* xy = mapped.data_ptr<float>();
  for (int64_t i = 0; i < mapped.size(0); ++i) {
    const cv::Point2f p = map(resized, {xy[2 * i], xy[2 * i + 1]});
    xy[2 * i] = p.x;
    xy[2 * i + 1] = p.y;
  }
  return mapped;
}

std::string FeatureProvenance(const FeaturePipelineOptions& o, const LoadedSuperPoint& weights) {
  std::ostringstream text;
  text << "superpoint " << weights.sha256 << " max_image_size " << o.max_image_size << " max_num_features "
       << o.keypoints.max_num_features << " keypoint_threshold " << o.keypoints.keypoint_threshold
       << " nms_radius " << o.keypoints.nms_radius << " remove_borders " << o.keypoints.remove_borders
       << " hessian_radius " << o.keypoints.refinement_radius;  // to which peaks, and how far
  return text.str();
}

bool FeaturesAreThere(ColmapDatabase& database, const std::string& name, const std::string& provenance) {
  const auto image = database.FindImage(name);
  if (!image || !database.HasKeypoints(image->image_id)) return false;
  const auto found = database.ReadImageProvenance(image->image_id);
  if (found && found->text == provenance && database.HasDescriptors(image->image_id)) return true;
  throw UsageError(
      database.path() + ": the features of " + name + " were made by " +
      (found ? "other weights or options (" + found->text + "; now: " + provenance + ")"
             : std::string("another program")) +
      "; features of two kinds do not match each other: use another database or the same options");
}

CameraAssigner MakeCameraAssigner(ColmapDatabase& database, const FeaturePipelineOptions& o) {
  std::map<camera_t, Camera> cameras;
  for (const Camera& camera : database.Cameras()) cameras[camera.camera_id] = camera;
  std::optional<Camera> existing;
  if (o.existing_camera_id >= 0) {
    const auto found = cameras.find(static_cast<camera_t>(o.existing_camera_id));
    if (found == cameras.end()) {
      throw UsageError("--ImageReader.existing_camera_id " + std::to_string(o.existing_camera_id) + ": " +
                       o.database_path + " has no such camera");
    }
    existing = found->second;
  }
  CameraAssigner assigner(o.camera, existing);
  for (const Image& image : database.Images()) {
    const auto found = cameras.find(image.camera_id);
    if (found != cameras.end())
      assigner.Remember(image.name, ReadExif(fs::path(o.image_path) / image.name), found->second);
  }
  return assigner;
}

void WriteFeatures(ColmapDatabase& database, CameraAssigner& cameras, const FeatureRecord& photo,
                   const std::string& provenance) {
  Transaction transaction = database.BeginTransaction();
  const image_t id = ImageRow(database, cameras, photo);
  database.WriteKeypoints(id, photo.keypoints);
  if (!database.HasDescriptors(id)) database.WriteDescriptors(id, photo.descriptors);
  database.WriteImageProvenance(id, provenance, photo.scores);
  transaction.Commit();
}

bool ExtractPhotos(const FeaturePipelineOptions& o, const CommonOptions& common, FeatureExtractor& extractor,
                   const std::vector<std::string>& names,
                   const std::function<void(const FeatureRecord&)>& then) {
  const auto read_ahead = [&](size_t i) {
    return std::async(std::launch::async, ReadPhoto, fs::path(o.image_path), names[i], o.max_image_size);
  };
  std::future<Photo> next;
  if (!names.empty()) next = read_ahead(0);
  ProgressBar bar("features", static_cast<int64_t>(names.size()), common.progress);
  for (size_t i = 0; i < names.size(); ++i) {
    const Photo photo = next.get();
    if (StopRequested()) return false;
    if (i + 1 < names.size()) next = read_ahead(i + 1);
    then(ExtractPhoto(photo, extractor));
    bar.Update(static_cast<int64_t>(i) + 1);
  }
  return true;
}

FeaturePipelineStats ExtractCollection(const FeaturePipelineOptions& o, const CommonOptions& common) {
  o.camera.Validate();
  const auto names = ListImages(
      o.image_path, o.image_list_path.empty() ? std::nullopt : std::optional<fs::path>(o.image_list_path));
  FeatureExtractor extractor(LoadSuperPoint(ResolveWeights(common.weights).superpoint), o.keypoints,
                             DeviceFromName(common.device));
  ColmapDatabase database(o.database_path, DatabaseMode::kCreateOrOpen, ConnectionOptionsOf(common));
  database.CheckWritable();
  database.CompleteFrames();
  CameraAssigner cameras = MakeCameraAssigner(database, o);
  const std::string provenance = FeatureProvenance(o, extractor.weights());

  FeaturePipelineStats stats;
  stats.weights = {extractor.weights().metadata, extractor.weights().sha256};
  const auto todo = NamesToExtract(database, names, provenance, stats);
  stats.stopped = !ExtractPhotos(o, common, extractor, todo, [&](const FeatureRecord& photo) {
    try {
      if (!photo.error.empty()) throw InputError(photo.error);
      WriteFeatures(database, cameras, photo, provenance);
      ++stats.extracted;
      stats.num_keypoints += static_cast<int64_t>(photo.keypoints.rows);
    } catch (const InputError& error) {
      stats.skipped.push_back({photo.name, error.what()});
    }
  });
  return stats;
}

}  // namespace colmatch
