// Reads COLMAP's sparse models (binary and text) and sums them up as `colmap model_analyzer` does.
//
// Formats: https://colmap.github.io/format.html ; 3.8 and 4.x write the same cameras, images and points3D
// files (4.x adds rigs and frames, which are not needed here).
#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace colmatch {

inline constexpr uint64_t kNoPoint3D = std::numeric_limits<uint64_t>::max();

struct ColmapModelCamera {
  std::string model;           // e.g. "PINHOLE"
  uint64_t width = 0;          // pixels
  uint64_t height = 0;         // pixels
  std::vector<double> params;  // in the model's order
};

struct ColmapModelImage {
  std::string name;
  uint32_t camera_id = 0;
  Eigen::Quaterniond rotation = Eigen::Quaterniond::Identity();  // camera_from_world, unit
  Eigen::Vector3d translation = Eigen::Vector3d::Zero();         // camera_from_world
  uint64_t num_points2D = 0;                                     // keypoints
  std::vector<uint64_t> points;  // ids of the 3D points that its keypoints see, in their order

  Eigen::Vector3d Center() const { return -(rotation.conjugate() * translation); }
};

struct ColmapModelPoint {
  Eigen::Vector3d position = Eigen::Vector3d::Zero();
  double error_px = -1;  // mean reprojection error; negative: not computed
  uint64_t track_length = 0;
  std::array<uint8_t, 3> rgb{};  // of the photos; black where the mapper did not look
};

struct ColmapModel {
  std::map<uint32_t, ColmapModelCamera> cameras;
  std::map<uint32_t, ColmapModelImage> images;  // the registered ones: COLMAP writes no others
  std::map<uint64_t, ColmapModelPoint> points;
};

struct ModelStatistics {
  uint64_t num_cameras = 0;
  uint64_t num_registered = 0;
  uint64_t num_points = 0;
  uint64_t num_observations = 0;
  double mean_track_length = 0;
  double mean_observations_per_image = 0;
  double mean_reprojection_error_px = 0;
};

// Reads the model in `folder`: cameras, images, points3D as .bin if all three are there, else as .txt.
// Throws InputError when files are missing, truncated, longer than their counts say, contradictory (an image
// of an unknown camera, an id twice) or hold numbers that are not finite; EnvironmentError when one cannot be
// read. No memory is reserved on a count's word.
ColmapModel ReadColmapModel(const std::filesystem::path& folder);

// As model_analyzer: observations are the sum of the track lengths, the error is the mean over points.
ModelStatistics Summarize(const ColmapModel& model);

// The model folders under a `sparse` folder of the mapper (0, 1, ...; or the folder itself), those with most
// registered images first, then by name. Empty if there is none.
std::vector<std::filesystem::path> FindColmapModels(const std::filesystem::path& sparse);

}  // namespace colmatch
