// Common part of the model reader: file choice, checks across files, statistics; see colmap_model.h.
#include "evaluation/colmap_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "evaluation/colmap_model_files.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

bool HasAll(const fs::path& folder, const char* extension) {
  for (const char* part : {"cameras", "images", "points3D"}) {
    if (!fs::is_regular_file(folder / (std::string(part) + extension))) return false;
  }
  return true;
}

void CheckReferences(const ColmapModel& model, const fs::path& folder) {
  for (const auto& [id, image] : model.images) {
    if (model.cameras.count(image.camera_id) == 0) {
      throw InputError("COLMAP model " + folder.string() + ": image \"" + image.name + "\" uses camera " +
                       std::to_string(image.camera_id) + ", which the model does not have");
    }
    for (const uint64_t point : image.points) {
      if (model.points.count(point) > 0) continue;
      throw InputError("COLMAP model " + folder.string() + ": image \"" + image.name + "\" sees point " +
                       std::to_string(point) + ", which the model does not have");
    }
  }
}

}  // namespace

ColmapModel ReadColmapModel(const fs::path& folder) {
  ColmapModel model;
  if (HasAll(folder, ".bin")) {
    model.cameras = ReadCamerasBinary(folder / "cameras.bin");
    model.images = ReadImagesBinary(folder / "images.bin");
    model.points = ReadPointsBinary(folder / "points3D.bin");
  } else if (HasAll(folder, ".txt")) {
    model.cameras = ReadCamerasText(folder / "cameras.txt");
    model.images = ReadImagesText(folder / "images.txt");
    model.points = ReadPointsText(folder / "points3D.txt");
  } else {
    throw InputError("no COLMAP model in " + folder.string() +
                     ": expected cameras, images and points3D, all three as .bin or all three as .txt");
  }
  CheckReferences(model, folder);
  return model;
}

ModelStatistics Summarize(const ColmapModel& model) {
  ModelStatistics statistics;
  statistics.num_cameras = model.cameras.size();
  statistics.num_registered = model.images.size();
  statistics.num_points = model.points.size();
  double error_sum = 0;
  uint64_t num_errors = 0;
  for (const auto& [id, point] : model.points) {
    statistics.num_observations += point.track_length;
    if (point.error_px < 0) continue;
    error_sum += point.error_px;
    ++num_errors;
  }
  const auto observations = double(statistics.num_observations);
  if (!model.points.empty()) statistics.mean_track_length = observations / double(model.points.size());
  if (!model.images.empty())
    statistics.mean_observations_per_image = observations / double(model.images.size());
  if (num_errors > 0) statistics.mean_reprojection_error_px = error_sum / double(num_errors);
  return statistics;
}

std::vector<fs::path> FindColmapModels(const fs::path& sparse) {
  std::vector<fs::path> folders;
  if (HasAll(sparse, ".bin") || HasAll(sparse, ".txt")) folders.push_back(sparse);
  std::error_code error;
  for (fs::directory_iterator entry(sparse, error), end; !error && entry != end; entry.increment(error)) {
    if (HasAll(entry->path(), ".bin") || HasAll(entry->path(), ".txt")) folders.push_back(entry->path());
  }
  std::vector<std::pair<size_t, fs::path>> sized;
  for (const fs::path& folder : folders) sized.emplace_back(ReadColmapModel(folder).images.size(), folder);
  std::sort(sized.begin(), sized.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  for (size_t i = 0; i < sized.size(); ++i) folders[i] = sized[i].second;
  return folders;
}

}  // namespace colmatch
