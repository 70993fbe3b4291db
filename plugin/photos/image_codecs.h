// Decodes photos to 8-bit grey strictly: what is incomplete is refused, where COLMAP and cv::imread go on
// silently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

namespace colmatch {

enum class ImageFormat { kJpeg, kPng, kTiff, kBmp, kWebp, kPnm };

// What a file's header says, before any pixel is decoded.
struct ImageHeader {
  ImageFormat format;
  std::uint64_t width_px = 0;
  std::uint64_t height_px = 0;
};

// The format by the first bytes of a file (kSniffBytes are enough), or nothing if it is none of the above.
inline constexpr std::size_t kSniffBytes = 32;
std::optional<ImageFormat> SniffFormat(const std::vector<std::uint8_t>& bytes);

// What a file that is none of these is, and what to do ("a GIF; convert it to JPEG or PNG"), if its first
// bytes tell; else empty.
std::string NameOfOtherFormat(const std::vector<std::uint8_t>& bytes);

// Throws InputError with the reason if the header is cut off or contradictory.
ImageHeader ParseImageHeader(const std::vector<std::uint8_t>& bytes, ImageFormat format);

// CV_8U, one channel, as stored: no orientation is applied, neither EXIF's nor TIFF's. 16-bit, colour, alpha,
// palette and CMYK become 8-bit grey; of 16-bit samples the highest tells how many bits are in use (10, 12,
// 14, 16). Throws InputError with the reason for what cannot be read, is not all there or is damaged.
cv::Mat DecodeGray(const std::vector<std::uint8_t>& bytes, const ImageHeader& header);

// PNM only (pnm_codec.cc): grey of 8 or 16 bits.
ImageHeader ParsePnmHeader(const std::vector<std::uint8_t>& bytes);
cv::Mat DecodePnmGray(const std::vector<std::uint8_t>& bytes);

// JPEG only (jpeg_codec.cc). Trailing bytes after the end marker and warnings that cost no pixel are
// accepted; the end marker must be there, and more than 500 scans are refused (a small file can request hours
// of work, see libjpeg-turbo, "Two issues with the JPEG standard").
ImageHeader ParseJpegHeader(const std::vector<std::uint8_t>& bytes);
cv::Mat DecodeJpegGray(const std::vector<std::uint8_t>& bytes);

}  // namespace colmatch
