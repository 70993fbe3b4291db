// What a photo's EXIF says about the camera, the lens and the place.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

namespace colmatch {

// Fields that are absent, not numbers, out of range or not finite (x/0) are nullopt.
struct ExifInfo {
  std::optional<std::string> make;   // surrounding blanks removed
  std::optional<std::string> model;  // surrounding blanks removed
  std::optional<double> focal_length_mm;
  std::optional<double> focal_length_35mm;         // 35 mm equivalent; 0 means unknown, as EXIF says
  std::optional<double> focal_plane_x_resolution;  // pixels per focal_plane_unit
  std::optional<int> focal_plane_unit;             // 2: inch, 3: centimetre
  std::optional<double> pixel_x_dimension;         // width of the photo as taken, px
  std::optional<int> orientation;                  // 1..8
  // WGS84, north and east positive; both or neither. 0/0 is what receivers without a fix write: unknown.
  std::optional<double> latitude_deg, longitude_deg;
  std::optional<double> altitude_m;  // negative below sea level; may be unknown alone
};

// Reads the EXIF block of a JPEG, TIFF, PNG, WebP or HEIF file with exiv2, and XMP for the camera, the lens
// and the place that EXIF does not say. Any other file gives empty fields, a damaged block those that can be
// read. Never throws for what the file contains. Any thread may call it.
ExifInfo ReadExif(const std::filesystem::path& path);

// Clockwise, from the photo as stored to how it is to be shown. 0 for mirrored and unknown orientations,
// which COLMAP does not turn either.
int QuarterTurnsToUpright(const std::optional<int>& orientation);

// Which way is down in the photo as stored (x right, y down, z forward), as COLMAP 4 concludes; nothing for
// mirrored and unknown orientations.
std::optional<std::array<double, 3>> GravityOfOrientation(const std::optional<int>& orientation);

}  // namespace colmatch
