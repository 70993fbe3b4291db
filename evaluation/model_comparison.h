// Compares a reconstruction with true cameras: similarity alignment, then rotation and position errors.
//
// Alignment: Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
// PAMI 1991, on the camera centres; robust by the least median over triples of cameras, then re-estimated on
// the inliers. Where the centres lie on a line (or there are only two) they leave a rotation open, which the
// cameras' own rotations then give.
#pragma once

#include <Eigen/Core>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/colmap_model.h"

namespace colmatch {

struct CameraPose {
  std::string name;                                        // image file name
  Eigen::Matrix3d rotation = Eigen::Matrix3d::Identity();  // camera_from_world; x right, y down, z forward
  Eigen::Vector3d center = Eigen::Vector3d::Zero();        // in the world
};

// truth = scale * rotation * model + translation
struct Similarity {
  double scale = 1;
  Eigen::Matrix3d rotation = Eigen::Matrix3d::Identity();
  Eigen::Vector3d translation = Eigen::Vector3d::Zero();

  Eigen::Vector3d operator*(const Eigen::Vector3d& point) const {
    return scale * (rotation * point) + translation;
  }
};

struct PoseError {
  std::string name;
  double rotation_deg = 0;
  double position = 0;        // in the truth's units
  double position_share = 0;  // of the scene's extent
  bool used_to_align = false;
};

struct ModelComparison {
  bool aligned = false;
  std::string reason;  // why not, else empty
  size_t num_truth = 0;
  std::vector<std::string> missing;  // true cameras that the model has not registered
  std::vector<PoseError> images;     // the registered ones, worst position first
  double extent = 0;                 // largest distance between two true camera centres, in the truth's units
  double median_rotation_deg = 0, max_rotation_deg = 0;
  double median_position = 0, max_position = 0;
  double median_position_share = 0, max_position_share = 0;
  Similarity truth_from_model;
};

std::vector<CameraPose> PosesOf(const ColmapModel& model);

// Strecha's benchmark: NAME.camera holds K (3x3), three distortion numbers, world_from_camera rotation (3x3),
// camera centre, image size. Name: the file name without ".camera". Throws InputError naming file and what
// was expected, EnvironmentError for a file that cannot be read.
CameraPose ReadStrechaCamera(const std::filesystem::path& file);

// True cameras from a folder: *.camera files if there are any, else a COLMAP model. Throws as these do.
std::vector<CameraPose> ReadTruth(const std::filesystem::path& folder);

// Least squares over all centres given, a proper rotation even where a mirrored one would fit better.
// Needs as many points in `from` as in `to`, at least three, not on a line.
Similarity EstimateSimilarity(const std::vector<Eigen::Vector3d>& from,
                              const std::vector<Eigen::Vector3d>& to);

// Cameras are matched by name (the file name alone where folders differ). Fewer than two in common, or all of
// them in one place, is not an error: `aligned` is false and `reason` says so. Deterministic.
ModelComparison CompareWithTruth(const std::vector<CameraPose>& model, const std::vector<CameraPose>& truth);
ModelComparison CompareWithTruth(const ColmapModel& model, const std::vector<CameraPose>& truth);

nlohmann::ordered_json ToJson(const ModelStatistics& statistics);
nlohmann::ordered_json ToJson(const ModelComparison& comparison);

// One collection as a row of a Markdown table, and the two header lines.
std::string ModelTableHeader();
std::string ModelTableRow(const std::string& name, size_t num_images,
                          const std::optional<ModelStatistics>& statistics,
                          const std::optional<ModelComparison>& comparison);

}  // namespace colmatch
