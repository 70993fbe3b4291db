// A valid progressive JPEG with as many scans as the format allows: one per coefficient and bit.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>
// jpeglib.h needs <cstdio> before it.
#include <jpeglib.h>

namespace colmatch {

// 8x8 px, grey. first_bit 8 gives 1 + 63 * 9 = 568 scans, 0 gives 64.
inline std::vector<std::uint8_t> MakeJpegOfManyScans(int first_bit) {
  std::vector<jpeg_scan_info> scans;
  scans.push_back({1, {0, 0, 0, 0}, 0, 0, 0, 0});
  for (int coefficient = 1; coefficient < 64; ++coefficient) {
    scans.push_back({1, {0, 0, 0, 0}, coefficient, coefficient, 0, first_bit});
    for (int bit = first_bit; bit > 0; --bit)
      scans.push_back({1, {0, 0, 0, 0}, coefficient, coefficient, bit, bit - 1});
  }
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &data, &size);
  info.image_width = info.image_height = 8;
  info.input_components = 1;
  info.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults(&info);
  info.scan_info = scans.data();
  info.num_scans = static_cast<int>(scans.size());
  jpeg_start_compress(&info, TRUE);
  for (int y = 0; y < 8; ++y) {
    std::uint8_t pixels[8];
    for (int x = 0; x < 8; ++x) pixels[x] = static_cast<std::uint8_t>(37 * x * y + 11 * y);
    JSAMPROW row = pixels;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::vector<std::uint8_t> result(data, data + size);
  std::free(data);
  return result;
}

}  // namespace colmatch
