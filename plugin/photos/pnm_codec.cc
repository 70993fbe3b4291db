// PBM, PGM and PPM. Binary grey and colour are decoded here: OpenCV reads their 16-bit samples in the order
// of the machine's bytes, and takes no notice of the largest value that the header gives.
#include <algorithm>
#include <cctype>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "plugin/photos/image_codecs.h"
#include "util/error.h"

namespace colmatch {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct PnmHeader {
  std::uint64_t width = 0, height = 0;
  std::uint64_t max_value = 1;
};

// P1..P6: numbers in ASCII, with blanks and #-comments between.
PnmHeader ParseHeader(const Bytes& bytes) {
  std::size_t at = 2;
  const auto next_number = [&]() -> std::uint64_t {
    while (at < bytes.size() && (std::isspace(bytes[at]) || bytes[at] == '#')) {
      if (bytes[at] == '#') {
        while (at < bytes.size() && bytes[at] != '\n') ++at;
      } else {
        ++at;
      }
    }
    std::uint64_t value = 0;
    if (at >= bytes.size() || !std::isdigit(bytes[at])) throw InputError("damaged PNM header: no image size");
    while (at < bytes.size() && std::isdigit(bytes[at]) && value < (1ull << 32))
      value = 10 * value + bytes[at++] - '0';
    return value;
  };
  PnmHeader header;
  header.width = next_number();
  header.height = next_number();
  const bool has_max_value = bytes[1] != '1' && bytes[1] != '4';
  if (has_max_value) header.max_value = next_number();
  if (header.max_value < 1 || header.max_value > 65535)
    throw InputError("damaged PNM header: the largest value is " + std::to_string(header.max_value) +
                     "; expected 1 to 65535");
  return header;
}

}  // namespace

ImageHeader ParsePnmHeader(const Bytes& bytes) {
  const PnmHeader header = ParseHeader(bytes);
  return {ImageFormat::kPnm, header.width, header.height};
}

cv::Mat DecodePnmGray(const Bytes& bytes) {
  const PnmHeader header = ParseHeader(bytes);
  const cv::Mat gray = cv::imdecode(bytes, cv::IMREAD_GRAYSCALE | cv::IMREAD_ANYDEPTH);
  if (gray.empty()) throw InputError("truncated or damaged image: the pixels cannot be decoded");
  const bool is_bitmap = bytes[1] == '1' || bytes[1] == '4';
  // 65535 is what programs write whatever their camera's range is.
  if (is_bitmap || header.max_value == 255 || header.max_value == 65535) return gray;
  cv::Mat scaled;
  gray.convertTo(scaled, CV_8U, 255.0 / static_cast<double>(header.max_value));
  return scaled;
}

}  // namespace colmatch
