// What a photo's EXIF says about the camera, the lens and the place.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

namespace colmatch {

// Fields that are absent, of the wrong type, or not finite are nullopt.
struct ExifInfo {
  std::optional<std::string> make;   // surrounding blanks removed
  std::optional<std::string> model;  // surrounding blanks removed
  std::optional<double> focal_length_mm;
  std::optional<double> focal_length_35mm;            // 35 mm equivalent; 0 means unknown, as EXIF says
  std::optional<double> focal_plane_x_resolution;     // pixels per focal_plane_unit
  std::optional<int> focal_plane_unit;                // 2: inch, 3: centimetre
  std::optional<double> pixel_x_dimension;            // width of the photo as taken, px
  std::optional<int> orientation;                     // 1..8
  std::optional<double> latitude_deg, longitude_deg;  // WGS84, north and east positive
  std::optional<double> altitude_m;                   // negative below sea level
};

// Reads the EXIF block of a JPEG file with libexif; any other file, and a damaged block, gives empty fields.
// Never throws for what the file contains.
ExifInfo ReadExif(const std::filesystem::path& path);

// Clockwise, from the photo as stored to how it is to be shown. 0 for mirrored and unknown orientations,
// which COLMAP does not turn either.
int QuarterTurnsToUpright(const std::optional<int>& orientation);

// Which way is down in the photo as stored (x right, y down, z forward), as COLMAP 4 concludes; nothing for
// mirrored and unknown orientations.
std::optional<std::array<double, 3>> GravityOfOrientation(const std::optional<int>& orientation);

}  // namespace colmatch
