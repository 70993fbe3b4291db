// The first directory of a TIFF or BigTIFF file: what decides whether and how its pixels can be read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace colmatch {

struct TiffHeader {
  std::uint64_t width_px = 0, height_px = 0;
  std::uint64_t bits_per_sample = 1, samples_per_pixel = 1;
  std::uint64_t sample_format = 1;  // 1: unsigned, 2: signed, 3: floating point
  std::uint64_t compression = 1;
  bool is_thumbnail = false;  // a raw photo's preview stands first
  bool is_raw = false;        // DNG, or samples behind a colour filter
  struct Field {
    std::uint64_t offset = 0;  // of its value in the file
    int size = 0;              // bytes
  };
  std::vector<Field> orientations;
};

// Whether the file starts as a TIFF or BigTIFF does.
bool IsTiff(const std::vector<std::uint8_t>& bytes);

// Throws InputError if the file ends inside the directory.
TiffHeader ParseTiffHeader(const std::vector<std::uint8_t>& bytes);

// The file with orientation 1: OpenCV turns the pixels of a TIFF whatever it is told.
std::vector<std::uint8_t> WithoutTiffOrientation(std::vector<std::uint8_t> bytes, const TiffHeader& header);

// Why OpenCV gave no pixels, and what to do.
std::string WhyTiffIsNotRead(const TiffHeader& header);

}  // namespace colmatch
