// Focal length from EXIF and camera sharing.
#include "plugin/extraction/camera_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>
#include <utility>

#include "util/error.h"

namespace colmatch {
namespace {

using Id = CameraModelId;

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

}  // namespace

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
  if (!AreLensParams(model, params)) {
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
