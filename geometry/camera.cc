// Camera models; see camera.h.
#include "geometry/camera.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "util/error.h"

namespace colmatch {
namespace {

using Id = CameraModelId;

// Source: COLMAP's camera models; ids and orders are part of its file format.
constexpr std::array<CameraModelInfo, 18> kModels = {{
    {Id::kSimplePinhole, "SIMPLE_PINHOLE", "f, cx, cy", 3, 1},
    {Id::kPinhole, "PINHOLE", "fx, fy, cx, cy", 4, 2},
    {Id::kSimpleRadial, "SIMPLE_RADIAL", "f, cx, cy, k", 4, 1},
    {Id::kRadial, "RADIAL", "f, cx, cy, k1, k2", 5, 1},
    {Id::kOpencv, "OPENCV", "fx, fy, cx, cy, k1, k2, p1, p2", 8, 2},
    {Id::kOpencvFisheye, "OPENCV_FISHEYE", "fx, fy, cx, cy, k1, k2, k3, k4", 8, 2},
    {Id::kFullOpencv, "FULL_OPENCV", "fx, fy, cx, cy, k1, k2, p1, p2, k3, k4, k5, k6", 12, 2},
    {Id::kFov, "FOV", "fx, fy, cx, cy, omega", 5, 2},
    {Id::kSimpleRadialFisheye, "SIMPLE_RADIAL_FISHEYE", "f, cx, cy, k", 4, 1},
    {Id::kRadialFisheye, "RADIAL_FISHEYE", "f, cx, cy, k1, k2", 5, 1},
    {Id::kThinPrismFisheye, "THIN_PRISM_FISHEYE", "fx, fy, cx, cy, k1, k2, p1, p2, k3, k4, sx1, sy1", 12, 2},
    {Id::kRadTanThinPrismFisheye, "RAD_TAN_THIN_PRISM_FISHEYE",
     "fx, fy, cx, cy, k0, k1, k2, k3, k4, k5, p0, p1, s0, s1, s2, s3", 16, 2},
    {Id::kSimpleDivision, "SIMPLE_DIVISION", "f, cx, cy, k", 4, 1},
    {Id::kDivision, "DIVISION", "fx, fy, cx, cy, k", 5, 2},
    {Id::kSimpleFisheye, "SIMPLE_FISHEYE", "f, cx, cy", 3, 1},
    {Id::kFisheye, "FISHEYE", "fx, fy, cx, cy", 4, 2},
    {Id::kEucm, "EUCM", "fx, fy, cx, cy, alpha, beta", 6, 2},
    {Id::kEquirectangular, "EQUIRECTANGULAR", "w, h", 2, 0},
}};

constexpr double kPi = 3.14159265358979323846;

}  // namespace

const CameraModelInfo* FindCameraModel(const std::string& name) {
  const auto found =
      std::find_if(kModels.begin(), kModels.end(), [&](const auto& model) { return name == model.name; });
  return found == kModels.end() ? nullptr : &*found;
}

const CameraModelInfo* FindCameraModel(int model_id) {
  const bool known = model_id >= 0 && model_id < static_cast<int>(kModels.size());
  return known ? &kModels[static_cast<std::size_t>(model_id)] : nullptr;
}

const CameraModelInfo& CameraModelByName(const std::string& name) {
  if (const CameraModelInfo* model = FindCameraModel(name)) return *model;
  std::string known;
  for (const CameraModelInfo& model : kModels) known += std::string(known.empty() ? "" : ", ") + model.name;
  throw UsageError("unknown camera model '" + name + "'; expected one of " + known);
}

const CameraModelInfo& CameraModelById(int model_id) {
  if (const CameraModelInfo* model = FindCameraModel(model_id)) return *model;
  throw UsageError("unknown camera model id " + std::to_string(model_id) + "; expected 0 to " +
                   std::to_string(kModels.size() - 1) + ", the models of COLMAP 4");
}

bool IsModelOfColmap3(int model_id) {
  return model_id >= 0 && model_id <= static_cast<int>(Id::kThinPrismFisheye);
}

bool IsSpherical(const Camera& camera) { return CameraModelById(camera.model_id).id == Id::kEquirectangular; }

bool IsUndistorted(const Camera& camera) {
  CheckCamera(camera);
  const CameraModelInfo& model = CameraModelById(camera.model_id);
  switch (model.id) {
    case Id::kSimplePinhole:
    case Id::kPinhole:
      return true;
    case Id::kSimpleRadial:
    case Id::kRadial:
    case Id::kOpencv:
    case Id::kFullOpencv:
    case Id::kSimpleDivision:
    case Id::kDivision:
      return std::all_of(camera.params.begin() + model.num_focal_lengths + 2, camera.params.end(),
                         [](double parameter) { return parameter == 0; });
    default:
      return false;
  }
}

void CheckCamera(const Camera& camera) {
  const CameraModelInfo& model = CameraModelById(camera.model_id);
  if (camera.params.size() != static_cast<std::size_t>(model.num_params)) {
    throw InputError(std::string("camera of model ") + model.name + " has " +
                     std::to_string(camera.params.size()) + " parameters; expected " +
                     std::to_string(model.num_params) + ": " + model.params_info);
  }
  const auto is_finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(camera.params.begin(), camera.params.end(), is_finite)) {
    throw InputError(std::string("camera of model ") + model.name +
                     " has a parameter that is not a finite number");
  }
}

bool AreLensParams(const CameraModelInfo& model, const std::vector<double>& params) {
  if (model.id == Id::kEquirectangular) return params[0] > 0 && params[1] > 0;
  if (model.id == Id::kEucm && !(params[4] >= 0 && params[4] <= 1 && params[5] > 0)) return false;
  return std::all_of(params.begin(), params.begin() + model.num_focal_lengths,
                     [](double f) { return f > 0; });
}

double MeanFocalLength(const Camera& camera) {
  CheckCamera(camera);
  const int num_focal = CameraModelById(camera.model_id).num_focal_lengths;
  if (num_focal == 0) return static_cast<double>(camera.width) / (2 * kPi);
  return num_focal == 2 ? (camera.params[0] + camera.params[1]) / 2.0 : camera.params[0];
}

}  // namespace colmatch
