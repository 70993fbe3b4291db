// First intrinsics of a photo's camera from EXIF, and which photos share one, as COLMAP decides it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "geometry/camera.h"
#include "plugin/photos/exif.h"

namespace colmatch {

// How a focal length in px is made from EXIF. COLMAP's table of sensor widths per camera model, which it asks
// too, is not part of colmatch; the focal length in mm is not rounded to 0.1 as COLMAP's image library does.
enum class FocalConvention {
  // 35 mm equivalent / 35 * longer side, else focal length / width of the focal plane * longer side.
  kColmap3,
  // 35 mm equivalent / 43.27 * diagonal (CIPA's definition), else focal length * pixels per mm of the focal
  // plane, whatever the photo's size now.
  kColmap4,
};

std::optional<double> ExifFocalLengthPx(const ExifInfo& exif, std::int64_t width, std::int64_t height,
                                        FocalConvention convention = FocalConvention::kColmap3);

// Focal length from EXIF, else default_focal_length_factor * longer side without prior; principal point in
// the middle, no distortion. Throws UsageError for an unknown model name.
Camera InitialCamera(const std::string& model_name, std::int64_t width, std::int64_t height,
                     const ExifInfo& exif, double default_focal_length_factor = 1.2,
                     FocalConvention convention = FocalConvention::kColmap3);

enum class CameraMode { kAuto = 0, kSingle = 1, kPerFolder = 2, kPerImage = 3 };  // COLMAP's --camera_mode

// COLMAP's --ImageReader.* options, as far as cameras go.
struct CameraOptions {
  CameraMode mode = CameraMode::kAuto;
  std::string camera_model = "SIMPLE_RADIAL";
  std::string camera_params;  // comma separated, in the model's order; empty: from EXIF
  double default_focal_length_factor = 1.2;
  FocalConvention focal_convention = FocalConvention::kColmap3;

  void Validate() const;  // Throws UsageError naming the option.
};

// "f,cx,cy,k" to numbers; throws UsageError unless it is as many finite numbers as the model has.
std::vector<double> ParseCameraParams(const std::string& model_name, const std::string& camera_params);

// Says which camera each photo gets: COLMAP's ImageReader without a database. For each photo in order:
// Assign; if the camera is new (camera_id 0), write it, which gives it an id; Remember it.
class CameraAssigner {
 public:
  // With `existing` (--ImageReader.existing_camera_id) every photo gets that camera. Throws UsageError for
  // bad options, InputError for a bad camera.
  explicit CameraAssigner(CameraOptions options, std::optional<Camera> existing = std::nullopt);

  // kAuto: one camera per make, model, focal length and size in EXIF, otherwise one per photo. kSingle,
  // kPerFolder (folder: the name up to its last '/') and kPerImage as they say. Throws InputError if the
  // camera to be shared has another size than the photo.
  Camera Assign(const std::string& image_name, std::int64_t width, std::int64_t height,
                const ExifInfo& exif) const;

  // Tells which camera `image_name` got; also used on resume, for photos already in the database. A camera
  // that these options would not have made (another model, other parameters) is not shared with further
  // photos: they get one of their own, as in COLMAP.
  void Remember(const std::string& image_name, const ExifInfo& exif, const Camera& camera);

 private:
  std::string SharingKey(const std::string& image_name, std::int64_t width, std::int64_t height,
                         const ExifInfo& exif) const;
  // A camera without id, by the options alone.
  Camera NewCamera(std::int64_t width, std::int64_t height, const ExifInfo& exif,
                   FocalConvention convention) const;
  bool IsByTheseOptions(const Camera& camera, const ExifInfo& exif) const;

  CameraOptions options_;
  std::optional<Camera> existing_;
  std::map<std::string, Camera> shared_;
};

}  // namespace colmatch
