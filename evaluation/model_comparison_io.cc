// True cameras read from files, and the comparison written as JSON and Markdown; see model_comparison.h.
#include <Eigen/Dense>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "evaluation/colmap_model_files.h"
#include "evaluation/model_comparison.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

constexpr char kExtension[] = ".camera";

std::string Number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::vector<double> ReadNumbers(const fs::path& file, size_t at_most) {
  std::istringstream words(ReadWholeFile(file));
  std::vector<double> numbers;
  std::string word;
  while (numbers.size() < at_most && words >> word) {
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || !std::isfinite(value)) {
      throw InputError(file.string() + ": expected numbers, found \"" + word.substr(0, 40) + "\"");
    }
    numbers.push_back(value);
  }
  return numbers;
}

}  // namespace

std::vector<CameraPose> PosesOf(const ColmapModel& model) {
  std::vector<CameraPose> poses;
  for (const auto& [id, image] : model.images) {
    poses.push_back({image.name, image.rotation.toRotationMatrix(), image.Center()});
  }
  return poses;
}

CameraPose ReadStrechaCamera(const fs::path& file) {
  constexpr size_t kNumbers = 9 + 3 + 9 + 3 + 2;
  const std::vector<double> numbers = ReadNumbers(file, kNumbers + 1);
  if (numbers.size() != kNumbers) {
    throw InputError(file.string() + ": expected " + std::to_string(kNumbers) +
                     " numbers (K, distortion, rotation, centre, size), found " +
                     (numbers.size() > kNumbers ? "more" : std::to_string(numbers.size())));
  }
  CameraPose pose;
  pose.name = file.stem().string();
  const Eigen::Matrix3d world_from_camera =
      Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>(&numbers[12]);
  const double skew =
      (world_from_camera * world_from_camera.transpose() - Eigen::Matrix3d::Identity()).norm();
  if (skew > 1e-3 || world_from_camera.determinant() < 0) {
    throw InputError(file.string() + ": lines 5 to 7 are not a rotation");
  }
  pose.rotation = world_from_camera.transpose();
  pose.center = {numbers[21], numbers[22], numbers[23]};
  return pose;
}

std::vector<CameraPose> ReadTruth(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == kExtension) files.push_back(entry->path());
  }
  if (error) throw InputError("cannot read the folder " + folder.string() + ": " + error.message());
  if (files.empty()) return PosesOf(ReadColmapModel(folder));
  std::sort(files.begin(), files.end());
  std::vector<CameraPose> poses;
  for (const fs::path& file : files) poses.push_back(ReadStrechaCamera(file));
  return poses;
}

nlohmann::ordered_json ToJson(const ModelStatistics& statistics) {
  return {{"cameras", statistics.num_cameras},
          {"registered_images", statistics.num_registered},
          {"points", statistics.num_points},
          {"observations", statistics.num_observations},
          {"mean_track_length", statistics.mean_track_length},
          {"mean_observations_per_image", statistics.mean_observations_per_image},
          {"mean_reprojection_error_px", statistics.mean_reprojection_error_px}};
}

nlohmann::ordered_json ToJson(const ModelComparison& comparison) {
  nlohmann::ordered_json json = {{"aligned", comparison.aligned},
                                 {"num_truth", comparison.num_truth},
                                 {"num_compared", comparison.images.size()},
                                 {"missing", comparison.missing},
                                 {"extent", comparison.extent}};
  if (!comparison.aligned) {
    json["reason"] = comparison.reason;
    return json;
  }
  json["rotation_deg"] = {{"median", comparison.median_rotation_deg}, {"max", comparison.max_rotation_deg}};
  json["position"] = {{"median", comparison.median_position}, {"max", comparison.max_position}};
  json["position_share"] = {{"median", comparison.median_position_share},
                            {"max", comparison.max_position_share}};
  json["scale"] = comparison.truth_from_model.scale;
  for (const PoseError& error : comparison.images) {
    json["images"].push_back({{"name", error.name},
                              {"rotation_deg", error.rotation_deg},
                              {"position", error.position},
                              {"position_share", error.position_share},
                              {"used_to_align", error.used_to_align}});
  }
  return json;
}

std::string ModelTableHeader() {
  return "| collection | registered | points | track length | reprojection px | rotation deg (median / max) "
         "| "
         "position % of extent (median / max) |\n|---|---|---|---|---|---|---|\n";
}

std::string ModelTableRow(const std::string& name, size_t num_images,
                          const std::optional<ModelStatistics>& statistics,
                          const std::optional<ModelComparison>& comparison) {
  std::string row = "| " + name + " | ";
  if (statistics) {
    row += std::to_string(statistics->num_registered) + " of " + std::to_string(num_images) + " | " +
           std::to_string(statistics->num_points) + " | " + Number(statistics->mean_track_length, 2) + " | " +
           Number(statistics->mean_reprojection_error_px, 3) + " | ";
  } else {
    row += "0 of " + std::to_string(num_images) + " | - | - | - | ";
  }
  if (comparison && comparison->aligned) {
    row += Number(comparison->median_rotation_deg, 3) + " / " + Number(comparison->max_rotation_deg, 3) +
           " | " + Number(100 * comparison->median_position_share, 3) + " / " +
           Number(100 * comparison->max_position_share, 3) + " |\n";
  } else {
    row += "- | - |\n";
  }
  return row;
}

}  // namespace colmatch
