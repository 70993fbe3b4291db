// EXIF blocks: plugin/photos/exif.h, which must come through whatever the file holds. By the first byte the
// input is a whole file, or the block of one.
#include <cmath>

#include "plugin/photos/exif.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/plugin/exif_builder.h"

namespace colmatch {
namespace {

void RequireFinite(const std::optional<double>& value) {
  if (value && !std::isfinite(*value)) std::abort();
}

std::string WithBlock(std::string_view block) {
  const size_t length = block.size() + 8;
  return std::string("\xff\xd8\xff\xe1") + static_cast<char>(length >> 8) + static_cast<char>(length & 0xff) +
         std::string("Exif\0\0", 6) + std::string(block) + "\xff\xd9";
}

bool Run(std::string_view input) {
  if (input.empty()) return false;
  const std::string_view bytes = input.substr(1);
  const InputFile file(input[0] == 0 ? std::string(bytes) : WithBlock(bytes.substr(0, 60000)));
  const ExifInfo info = ReadExif(file.path());
  for (const auto& value : {info.focal_length_mm, info.focal_length_35mm, info.focal_plane_x_resolution,
                            info.pixel_x_dimension, info.latitude_deg, info.longitude_deg, info.altitude_m})
    RequireFinite(value);
  if (info.orientation && (*info.orientation < 1 || *info.orientation > 8)) std::abort();
  return info.make.has_value();
}

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const bool big_endian : {false, true}) {
    const auto jpeg = FullExif(big_endian).InsertInto({0xff, 0xd8, 0xff, 0xd9});
    const std::string bytes(jpeg.begin(), jpeg.end());
    seeds.push_back(std::string(1, '\0') + bytes);
    seeds.push_back("\1" + bytes.substr(12, bytes.size() - 14));
  }
  return seeds;
}

const RegisterFuzzTarget registered({"exif", Run, Seeds});

}  // namespace
}  // namespace colmatch
