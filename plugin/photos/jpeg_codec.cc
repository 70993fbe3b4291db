// Strict JPEG decoding with libjpeg(-turbo): every warning that means lost pixels is an error.
#include <csetjmp>
#include <cstdio>
// jpeglib.h needs <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include <opencv2/imgcodecs.hpp>

#include "plugin/photos/image_codecs.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr int kMaxScans = 500;

// libjpeg reports through C callbacks that must not return; C++ exceptions cannot cross its frames, longjmp
// can.
struct ErrorManager {
  jpeg_error_mgr base;  // First member: libjpeg hands back a pointer to it.
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void FailInLibjpeg(j_common_ptr info) {
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  manager->base.format_message(info, manager->message);
  std::longjmp(manager->jump, 1);
}

bool CostsNoPixel(int warning) {
  return warning == JWRN_EXTRANEOUS_DATA || warning == JWRN_JFIF_MAJOR || warning == JWRN_ADOBE_XFORM ||
         warning == JWRN_TOO_MUCH_DATA || warning == JWRN_BOGUS_ICC;
}

void OnMessage(j_common_ptr info, int level) {
  if (level < 0 && !CostsNoPixel(info->err->msg_code)) FailInLibjpeg(info);
}

void OnProgress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  std::snprintf(manager->message, sizeof(manager->message), "more than %d scans", kMaxScans);
  std::longjmp(manager->jump, 1);
}

// Owns the decoder; the functions that call setjmp hold nothing with a destructor.
class Decoder {
 public:
  explicit Decoder(const std::vector<std::uint8_t>& bytes) {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = FailInLibjpeg;
    errors_.base.emit_message = OnMessage;
    errors_.message[0] = '\0';
    created_ = Start(bytes.data(), bytes.size());
  }
  ~Decoder() { jpeg_destroy_decompress(&info_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  bool has_header() const { return created_; }
  std::string message() const { return errors_.message; }
  int width() const { return static_cast<int>(info_.image_width); }
  int height() const { return static_cast<int>(info_.image_height); }
  bool is_cmyk() const { return info_.num_components == 4; }
  int num_channels() const { return is_cmyk() ? 4 : 1; }

  // Fills rows [first, first + stride, ...]; false with message() if anything is missing.
  bool ReadAll(std::uint8_t* first, std::size_t stride) {
    if (setjmp(errors_.jump)) return false;
    info_.out_color_space = is_cmyk() ? JCS_CMYK : JCS_GRAYSCALE;
    jpeg_start_decompress(&info_);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = first + info_.output_scanline * stride;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);  // Reads on to the end marker, and warns if the file stops before it.
    return true;
  }

 private:
  bool Start(const std::uint8_t* data, std::size_t size) {
    if (setjmp(errors_.jump)) return false;
    jpeg_create_decompress(&info_);
    progress_.progress_monitor = OnProgress;
    info_.progress = &progress_;
    jpeg_mem_src(&info_, data, static_cast<unsigned long>(size));
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  jpeg_decompress_struct info_{};
  ErrorManager errors_{};
  jpeg_progress_mgr progress_{};
  bool created_ = false;
};

// CMYK as libjpeg gives it; Adobe files, the only ones met in practice, store it inverted.
cv::Mat GrayFromInvertedCmyk(const cv::Mat& cmyk) {
  cv::Mat gray(cmyk.size(), CV_8U);
  for (int y = 0; y < cmyk.rows; ++y) {
    const auto* in = cmyk.ptr<cv::Vec4b>(y);
    auto* out = gray.ptr<std::uint8_t>(y);
    for (int x = 0; x < cmyk.cols; ++x) {
      // ITU-R BT.601 weights, as JPEG's own luma.
      const double rgb = 0.299 * in[x][0] + 0.587 * in[x][1] + 0.114 * in[x][2];
      out[x] = cv::saturate_cast<std::uint8_t>(rgb * in[x][3] / 255.0);
    }
  }
  return gray;
}

}  // namespace

ImageHeader ParseJpegHeader(const std::vector<std::uint8_t>& bytes) {
  const Decoder decoder(bytes);
  if (!decoder.has_header()) throw InputError("damaged JPEG header: " + decoder.message());
  return {ImageFormat::kJpeg, static_cast<std::uint64_t>(decoder.width()),
          static_cast<std::uint64_t>(decoder.height())};
}

cv::Mat DecodeJpegGray(const std::vector<std::uint8_t>& bytes) {
  Decoder decoder(bytes);
  if (!decoder.has_header()) throw InputError("damaged JPEG header: " + decoder.message());
  cv::Mat pixels(decoder.height(), decoder.width(), CV_8UC(decoder.num_channels()));
  if (!decoder.ReadAll(pixels.data, pixels.step[0])) {
    throw InputError("truncated or damaged JPEG: " + decoder.message());
  }
  return decoder.is_cmyk() ? GrayFromInvertedCmyk(pixels) : pixels;
}

}  // namespace colmatch
