// Camera models, as COLMAP has them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "util/colmap_types.h"

namespace colmatch {

// COLMAP's camera models; the values are its ids, stored in the database: never renumber.
enum class CameraModelId : int {
  kSimplePinhole = 0,
  kPinhole = 1,
  kSimpleRadial = 2,
  kRadial = 3,
  kOpencv = 4,
  kOpencvFisheye = 5,
  kFullOpencv = 6,
  kFov = 7,
  kSimpleRadialFisheye = 8,
  kRadialFisheye = 9,
  kThinPrismFisheye = 10,
  // From here on COLMAP 4 only; COLMAP 3 stops at a database that has them.
  kRadTanThinPrismFisheye = 11,
  kSimpleDivision = 12,
  kDivision = 13,
  kSimpleFisheye = 14,
  kFisheye = 15,
  kEucm = 16,
  kEquirectangular = 17,
};

struct CameraModelInfo {
  CameraModelId id;
  const char* name;
  const char* params_info;  // parameter names in COLMAP's order
  int num_params;
  // 1 or 2, at the front; the principal point (cx, cy) follows. 0: EQUIRECTANGULAR, which has neither.
  int num_focal_lengths;
};

// Whether COLMAP 3.8 knows the model.
bool IsModelOfColmap3(int model_id);

// Whether the camera sees all directions and has no focal length (EQUIRECTANGULAR).
bool IsSpherical(const Camera& camera);

// Whether straight lines of the world are straight in the photo: a pinhole model, or one whose distortion is
// 0.
bool IsUndistorted(const Camera& camera);

// Null for a model that is not among COLMAP 4's.
const CameraModelInfo* FindCameraModel(const std::string& name);
const CameraModelInfo* FindCameraModel(int model_id);
// Throw UsageError, which lists the known names, for anything else.
const CameraModelInfo& CameraModelByName(const std::string& name);
const CameraModelInfo& CameraModelById(int model_id);

// Camera (util/colmap_types.h) holds intrinsics in pixels of the original photo, COLMAP's convention: the
// first pixel's centre is (0.5, 0.5). has_prior_focal_length: from EXIF or the user, not guessed.
//
// Throws InputError unless there are as many finite parameters as the model has.
void CheckCamera(const Camera& camera);

// Whether a lens can have these parameters, as many as the model has: positive focal lengths, and the ranges
// that the model itself sets.
bool AreLensParams(const CameraModelInfo& model, const std::vector<double>& params);

// In px; of an EQUIRECTANGULAR camera px per radian at the equator.
double MeanFocalLength(const Camera& camera);

}  // namespace colmatch
