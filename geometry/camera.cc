// Camera models, EXIF focal length and camera sharing.
#include "geometry/camera.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>
#include <utility>

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

// COLMAP starts the FOV model's omega at 0.01: 0 would divide by zero.
constexpr double kInitialFovOmega = 1e-2;

std::string SizeText(std::int64_t width, std::int64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

double LongerSide(std::int64_t width, std::int64_t height) {
  return static_cast<double>(std::max(width, height));
}

// COLMAP's key of kAuto: make, model, focal length and size; empty if EXIF does not say all of them.
std::string ExifCameraKey(const ExifInfo& exif, std::int64_t width, std::int64_t height) {
  const std::optional<double>& focal = exif.focal_length_35mm ? exif.focal_length_35mm : exif.focal_length_mm;
  if (!exif.make || !exif.model || !focal) return {};
  std::ostringstream key;
  key.imbue(std::locale::classic());
  key.precision(9);
  key << *exif.make << '\0' << *exif.model << '\0' << (exif.focal_length_35mm ? "35mm " : "mm ") << *focal
      << '\0' << SizeText(width, height);
  return key.str();
}

// Infinite for a unit that the COLMAP in question does not know.
double FocalPlaneUnitMm(int unit, FocalConvention convention) {
  if (unit == 2) return 25.4;
  if (unit == 3) return 10.0;
  if (unit == 4 && convention == FocalConvention::kColmap4) return 1.0;
  if (unit == 5 && convention == FocalConvention::kColmap4) return 1e-3;
  return std::numeric_limits<double>::infinity();
}

// Refuses what no lens has, where the model says what that is.
bool ParamsAreSane(const CameraModelInfo& model, const std::vector<double>& params) {
  if (model.id == Id::kEquirectangular) return params[0] > 0 && params[1] > 0;
  if (model.id == Id::kEucm && !(params[4] >= 0 && params[4] <= 1 && params[5] > 0)) return false;
  return std::all_of(params.begin(), params.begin() + model.num_focal_lengths,
                     [](double f) { return f > 0; });
}

}  // namespace

const CameraModelInfo& CameraModelByName(const std::string& name) {
  std::string known;
  for (const CameraModelInfo& model : kModels) {
    if (name == model.name) return model;
    known += std::string(known.empty() ? "" : ", ") + model.name;
  }
  throw UsageError("unknown camera model '" + name + "'; expected one of " + known);
}

const CameraModelInfo& CameraModelById(int model_id) {
  if (model_id < 0 || model_id >= static_cast<int>(kModels.size())) {
    throw UsageError("unknown camera model id " + std::to_string(model_id) + "; expected 0 to " +
                     std::to_string(kModels.size() - 1) + ", the models of COLMAP 4");
  }
  return kModels[static_cast<std::size_t>(model_id)];
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

double MeanFocalLength(const Camera& camera) {
  CheckCamera(camera);
  const int num_focal = CameraModelById(camera.model_id).num_focal_lengths;
  if (num_focal == 0) return static_cast<double>(camera.width) / (2 * kPi);
  return num_focal == 2 ? (camera.params[0] + camera.params[1]) / 2.0 : camera.params[0];
}

std::optional<double> ExifFocalLengthPx(const ExifInfo& exif, std::int64_t width, std::int64_t height,
                                        FocalConvention convention) {
  const bool is_colmap3 = convention == FocalConvention::kColmap3;
  const double longer_side = LongerSide(width, height);
  if (exif.focal_length_35mm && *exif.focal_length_35mm > 0) {
    if (is_colmap3) return *exif.focal_length_35mm / 35.0 * longer_side;
    return *exif.focal_length_35mm / 43.27 * std::hypot(width, height);
  }
  if (!exif.focal_length_mm || !exif.focal_plane_x_resolution || !exif.focal_plane_unit ||
      (is_colmap3 && !exif.pixel_x_dimension)) {
    return std::nullopt;
  }
  double focal = *exif.focal_length_mm * *exif.focal_plane_x_resolution /
                 FocalPlaneUnitMm(*exif.focal_plane_unit, convention);
  // The width when the photo was taken, not now: it may have been resized with its EXIF kept.
  if (is_colmap3) focal *= longer_side / *exif.pixel_x_dimension;
  // Zeros anywhere above make it 0, infinite or NaN.
  return std::isfinite(focal) && focal > 0 ? std::optional<double>(focal) : std::nullopt;
}

Camera InitialCamera(const std::string& model_name, std::int64_t width, std::int64_t height,
                     const ExifInfo& exif, double default_focal_length_factor, FocalConvention convention) {
  const CameraModelInfo& model = CameraModelByName(model_name);
  const std::optional<double> exif_focal = ExifFocalLengthPx(exif, width, height, convention);
  Camera camera;
  camera.model_id = static_cast<int>(model.id);
  camera.width = width;
  camera.height = height;
  camera.has_prior_focal_length = exif_focal.has_value();
  camera.params.assign(static_cast<std::size_t>(model.num_params), 0.0);
  if (model.id == Id::kEquirectangular) {
    camera.params = {static_cast<double>(width), static_cast<double>(height)};
    return camera;
  }
  const int num_focal = model.num_focal_lengths;
  std::fill_n(camera.params.begin(), num_focal,
              exif_focal.value_or(default_focal_length_factor * LongerSide(width, height)));
  camera.params[num_focal] = static_cast<double>(width) / 2.0;
  camera.params[num_focal + 1] = static_cast<double>(height) / 2.0;
  if (model.id == Id::kFov) camera.params.back() = kInitialFovOmega;
  if (model.id == Id::kEucm) camera.params.back() = 1.0;  // beta; with alpha = 0 it is a pinhole
  return camera;
}

std::vector<double> ParseCameraParams(const std::string& model_name, const std::string& camera_params) {
  const CameraModelInfo& model = CameraModelByName(model_name);
  const std::string expected = "ImageReader.camera_params is '" + camera_params + "'; expected " +
                               std::to_string(model.num_params) + " numbers for " + model.name + ": " +
                               model.params_info;
  std::vector<double> params;
  std::istringstream fields(camera_params);
  for (std::string field; std::getline(fields, field, ',');) {
    std::istringstream stream(field);
    stream.imbue(std::locale::classic());  // A decimal point whatever the user's locale.
    double value = 0;
    if (!(stream >> value) || !(stream >> std::ws).eof() || !std::isfinite(value)) throw UsageError(expected);
    params.push_back(value);
  }
  const bool ends_with_comma = !camera_params.empty() && camera_params.back() == ',';
  if (ends_with_comma || params.size() != static_cast<std::size_t>(model.num_params))
    throw UsageError(expected);
  if (!ParamsAreSane(model, params)) {
    throw UsageError(expected + "; " +
                     (model.id == Id::kEucm ? "the focal lengths and beta must be above 0, alpha in [0, 1]"
                                            : "the focal length must be above 0"));
  }
  return params;
}

void CameraOptions::Validate() const {
  CameraModelByName(camera_model);
  if (!(default_focal_length_factor > 0) || !std::isfinite(default_focal_length_factor)) {
    throw UsageError("ImageReader.default_focal_length_factor is " +
                     std::to_string(default_focal_length_factor) + "; expected a number above 0");
  }
  if (!camera_params.empty()) ParseCameraParams(camera_model, camera_params);
}

CameraAssigner::CameraAssigner(CameraOptions options, std::optional<Camera> existing)
    : options_(std::move(options)), existing_(std::move(existing)) {
  options_.Validate();
  if (existing_) CheckCamera(*existing_);
}

std::string CameraAssigner::SharingKey(const std::string& image_name, std::int64_t width, std::int64_t height,
                                       const ExifInfo& exif) const {
  switch (options_.mode) {
    case CameraMode::kSingle:
      return "single";
    case CameraMode::kPerFolder: {
      const auto slash = image_name.rfind('/');
      return "folder " + (slash == std::string::npos ? std::string() : image_name.substr(0, slash));
    }
    case CameraMode::kAuto:
      return ExifCameraKey(exif, width, height);
    case CameraMode::kPerImage:
      break;
  }
  return {};
}

Camera CameraAssigner::Assign(const std::string& image_name, std::int64_t width, std::int64_t height,
                              const ExifInfo& exif) const {
  const Camera* shared = existing_ ? &*existing_ : nullptr;
  if (!shared) {
    const auto found = shared_.find(SharingKey(image_name, width, height, exif));
    if (found != shared_.end()) shared = &found->second;
  }
  if (shared) {
    if (shared->width != width || shared->height != height) {
      throw InputError(image_name + ": is " + SizeText(width, height) + " pixels, but camera " +
                       std::to_string(shared->camera_id) + ", which it should share, is " +
                       SizeText(shared->width, shared->height) + "; give it a camera of its own");
    }
    return *shared;
  }
  return NewCamera(width, height, exif, options_.focal_convention);
}

Camera CameraAssigner::NewCamera(std::int64_t width, std::int64_t height, const ExifInfo& exif,
                                 FocalConvention convention) const {
  Camera camera = InitialCamera(options_.camera_model, width, height, exif,
                                options_.default_focal_length_factor, convention);
  if (!options_.camera_params.empty()) {
    camera.params = ParseCameraParams(options_.camera_model, options_.camera_params);
    camera.has_prior_focal_length = true;
  }
  return camera;
}

// Under either convention: COLMAP 4 may have opened the file since the camera was made.
bool CameraAssigner::IsByTheseOptions(const Camera& camera, const ExifInfo& exif) const {
  for (const FocalConvention convention : {FocalConvention::kColmap3, FocalConvention::kColmap4}) {
    const Camera expected = NewCamera(camera.width, camera.height, exif, convention);
    if (camera.model_id == expected.model_id && camera.params == expected.params &&
        camera.has_prior_focal_length == expected.has_prior_focal_length)
      return true;
  }
  return false;
}

void CameraAssigner::Remember(const std::string& image_name, const ExifInfo& exif, const Camera& camera) {
  const std::string key = SharingKey(image_name, camera.width, camera.height, exif);
  if (!key.empty() && IsByTheseOptions(camera, exif)) shared_.try_emplace(key, camera);
}

}  // namespace colmatch
