// Photos: plugin/photos/image_reader.h and the headers and completeness checks of image_codecs.h. The limit
// of pixels is small, so that what passes it is quick; a picture that is larger than its header said is a
// finding.
#include <opencv2/imgcodecs.hpp>

#include "plugin/photos/image_codecs.h"
#include "plugin/photos/image_reader.h"
#include "tests/fuzz/fuzz_target.h"

namespace colmatch {
namespace {

constexpr uint64_t kMaxPixels = 1 << 14;

bool Run(std::string_view input) {
  const InputFile file(input);
  return Accepted([&] {
    ImageReadOptions options;
    options.max_num_pixels = kMaxPixels;
    const GrayImage image = ReadGrayImage(file.path(), options);
    if (image.gray.type() != CV_8U || image.width <= 0 || image.height <= 0) std::abort();
    if (static_cast<uint64_t>(image.width) * static_cast<uint64_t>(image.height) > kMaxPixels) std::abort();
  });
}

std::vector<std::string> Seeds() {
  cv::Mat gray(9, 12, CV_8U), color(9, 12, CV_8UC3), deep(9, 12, CV_16U);
  for (int i = 0; i < 9 * 12; ++i) {
    gray.data[i] = static_cast<uint8_t>(7 * i);
    color.data[3 * i] = static_cast<uint8_t>(5 * i);
    deep.ptr<uint16_t>()[i] = static_cast<uint16_t>(300 * i);
  }
  std::vector<std::string> seeds;
  const auto add = [&](const char* suffix, const cv::Mat& pixels, const std::vector<int>& options = {}) {
    std::vector<uint8_t> bytes;
    if (cv::imencode(suffix, pixels, bytes, options)) seeds.emplace_back(bytes.begin(), bytes.end());
  };
  for (const char* suffix : {".jpg", ".png", ".tiff", ".bmp", ".webp", ".ppm"}) add(suffix, color);
  add(".jpg", gray, {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  add(".png", deep);
  add(".pgm", gray);
  add(".webp", color, {cv::IMWRITE_WEBP_QUALITY, 101});
  return seeds;
}

const RegisterFuzzTarget registered({"image", Run, Seeds});

}  // namespace
}  // namespace colmatch
