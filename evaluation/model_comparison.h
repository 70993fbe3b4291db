// Compares a reconstruction with ground-truth cameras: aligns them by a similarity, then measures rotation
// and position errors.
//
// The alignment uses the camera centres (Umeyama, "Least-squares estimation of transformation parameters
// between two point patterns", PAMI 1991). It is robust: the triple of cameras with the least median error
// gives a first estimate, which is then re-estimated from the inliers. If the centres lie on a line, or if
// there are only two, they leave one rotation undetermined; it is then taken from the rotations of the
// cameras.
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
  double position = 0;        // in the units of the ground truth
  double position_share = 0;  // position / extent of the scene
  bool used_to_align = false;
};

struct ModelComparison {
  bool aligned = false;
  std::string reason;  // why the models are not aligned; empty if they are
  size_t num_truth = 0;
  std::vector<std::string> missing;  // true cameras that are not registered in the model
  std::vector<PoseError> images;     // registered images, worst position first
  double extent = 0;                 // largest distance between true camera centres, in the truth's units
  double median_rotation_deg = 0, max_rotation_deg = 0;
  double median_position = 0, max_position = 0;
  double median_position_share = 0, max_position_share = 0;
  Similarity truth_from_model;
};

std::vector<CameraPose> PosesOf(const ColmapModel& model);

// Reads a camera of Strecha's benchmark. NAME.camera contains K (3x3), three distortion numbers, the
// world_from_camera rotation (3x3), the camera centre and the image size. The camera's name is the file name
// without ".camera". Throws InputError, which names the file and what was expected, or EnvironmentError for a
// file that cannot be read.
CameraPose ReadStrechaCamera(const std::filesystem::path& file);

// Reads the true cameras from a folder: *.camera files if there are any, else a COLMAP model. Throws like the
// functions that read these.
std::vector<CameraPose> ReadTruth(const std::filesystem::path& folder);

// The least-squares similarity over all given centres. The rotation is proper even if a mirrored one fits
// better. `from` and `to` must have the same number of points, at least three, not on a line.
Similarity EstimateSimilarity(const std::vector<Eigen::Vector3d>& from,
                              const std::vector<Eigen::Vector3d>& to);

// Cameras are matched by name, or by the file name alone if the folders differ. Fewer than two common
// cameras, or common cameras that are all at one place, are not an error: `aligned` is false then, and
// `reason` says why. Deterministic.
ModelComparison CompareWithTruth(const std::vector<CameraPose>& model, const std::vector<CameraPose>& truth);
ModelComparison CompareWithTruth(const ColmapModel& model, const std::vector<CameraPose>& truth);

nlohmann::ordered_json ToJson(const ModelStatistics& statistics);
nlohmann::ordered_json ToJson(const ModelComparison& comparison);

// The row of one collection in a Markdown table, and the two header lines of that table.
std::string ModelTableHeader();
std::string ModelTableRow(const std::string& name, size_t num_images,
                          const std::optional<ModelStatistics>& statistics,
                          const std::optional<ModelComparison>& comparison);

}  // namespace colmatch
