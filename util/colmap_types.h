// The rows of COLMAP's database as plain structs. Coordinates are COLMAP's: the first pixel's centre is (0.5,
// 0.5).
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace colmatch {

// COLMAP's own names and widths (colmap/util/types.h). Ids start at 1; 0 means "not yet given".
using camera_t = uint32_t;
using image_t = uint32_t;
using image_pair_t = uint64_t;

// Image ids are below this number, in COLMAP's CHECK constraint and in its pair ids.
inline constexpr int64_t kMaxNumImages = 2147483647;

// A 3x3 matrix, row-major.
using Matrix3 = std::array<double, 9>;

struct Camera {
  camera_t camera_id = 0;  // 0 on the way in: the database gives the next one.
  int model_id = 0;        // COLMAP's model number, e.g. 2 is SIMPLE_RADIAL.
  int64_t width = 0;       // pixels
  int64_t height = 0;      // pixels
  std::vector<double> params;
  bool has_prior_focal_length = false;
};

// Degrees and metres, WGS84, as EXIF GPS gives them. An altitude that is not known is NaN.
struct GeoPosition {
  double latitude_deg = 0;
  double longitude_deg = 0;
  double altitude_m = 0;

  // All three are known: only then COLMAP has a prior.
  bool IsWhole() const {
    return std::isfinite(latitude_deg) && std::isfinite(longitude_deg) && std::isfinite(altitude_m);
  }
};

// Where an image was taken as the file holds it, for choosing pairs. NaN: not known (altitude, often).
struct PositionPrior {
  enum class System {
    kWgs84,      // latitude and longitude in degrees, altitude in metres
    kCartesian,  // metres, whatever the axes
    kNotStated,  // COLMAP 3.8's columns hold either
  };
  System system = System::kNotStated;
  std::array<double, 3> position = {};
};

struct Image {
  image_t image_id = 0;  // 0 on the way in: the database gives the next one.
  std::string name;      // Path relative to the image folder, '/' between folders, bytes as on disk.
  camera_t camera_id = 0;
  std::optional<GeoPosition> prior_position;
  // Which way is down, in the camera's frame (x right, y down in the photo as stored), unit length. Kept
  // where the file has a place for it (COLMAP 4's pose_priors); not read back.
  std::optional<std::array<double, 3>> gravity = std::nullopt;
};

// Keypoints of one image. COLMAP's rows have 2 (x, y), 4 (scale, orientation) or 6 columns (affine shape).
struct KeypointsBlob {
  size_t rows = 0;
  int cols = 2;                    // As stored; colmatch writes 2, or 4 where there are scales.
  std::vector<float> xy;           // rows x 2, pixels of the original image.
  std::vector<float> scales = {};  // rows, of 4 columns, in pixels of the original image; else empty.

  // With the columns they need: where there are none, as of no keypoints, 2.
  void SetScales(std::vector<float> values) {
    cols = values.empty() ? 2 : 4;
    scales = std::move(values);
  }
};

// Float descriptors of one image, row i belongs to keypoint i.
struct Descriptors {
  size_t rows = 0;
  int dim = 0;
  std::vector<float> values;  // rows x dim
};

// SIFT's descriptors as COLMAP stores them.
struct ByteDescriptors {
  size_t rows = 0;
  int dim = 0;
  std::vector<uint8_t> values;  // rows x dim
};

// Keypoint indices of the first and the second image.
using Matches = std::vector<std::array<uint32_t, 2>>;

// COLMAP's TwoViewGeometry::ConfigurationType.
enum class TwoViewConfig : int {
  kUndefined = 0,
  kDegenerate = 1,
  kCalibrated = 2,
  kUncalibrated = 3,
  kPlanar = 4,
  kPanoramic = 5,
  kPlanarOrPanoramic = 6,
  kWatermark = 7,
  kMultiple = 8,
  kCalibratedRig = 9,
};

struct TwoViewGeometry {
  TwoViewConfig config = TwoViewConfig::kUndefined;
  Matches inlier_matches;
  std::optional<Matrix3> F;                   // x2^T F x1 = 0, pixels
  std::optional<Matrix3> E;                   // x2^T E x1 = 0, normalised coordinates
  std::optional<Matrix3> H;                   // x2 ~ H x1, pixels
  std::optional<std::array<double, 4>> qvec;  // Rotation of cam2_from_cam1 as w, x, y, z, unit length.
  std::optional<std::array<double, 3>> tvec;  // Translation of cam2_from_cam1; set exactly when qvec is.
};

// What made a row (weights, options; the text is the caller's), and one float per keypoint or match.
struct Provenance {
  std::string text;
  std::vector<float> scores;
  // Of a pair: the features of one of its images were made anew since, so that its matches mean nothing any
  // more. Never true of pairs of an older colmatch, which did not note their features.
  bool outdated = false;
};

}  // namespace colmatch
