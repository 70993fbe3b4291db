// Pictures and their files, for the tests of photos.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace colmatch {

using Bytes = std::vector<std::uint8_t>;

// Smooth with detail everywhere, so that losing rows loses something.
inline cv::Mat TestPicture(int width, int height, int channels = 1) {
  cv::Mat picture(height, width, CV_8UC(channels));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width * channels; ++x)
      picture.ptr(y)[x] = static_cast<std::uint8_t>((x * 7 + y * 5) % 251);
  }
  cv::GaussianBlur(picture, picture, cv::Size(5, 5), 1.5);
  return picture;
}

inline Bytes Encode(const std::string& suffix, const cv::Mat& picture, const std::vector<int>& params = {}) {
  Bytes bytes;
  EXPECT_TRUE(cv::imencode(suffix, picture, bytes, params));
  return bytes;
}

inline Bytes FirstBytes(const Bytes& bytes, std::size_t count) {
  return Bytes(bytes.begin(), bytes.begin() + count);
}

// An uncompressed TIFF of one strip. More entries: tag, type, value.
struct TiffEntry {
  std::uint16_t tag, type;
  std::uint32_t value;
};

inline Bytes MakeTiff(const cv::Mat& samples, int sample_format, std::vector<TiffEntry> more = {},
                      bool is_big = false) {
  const auto bits = static_cast<std::uint32_t>(8 * samples.elemSize1());
  const auto num_bytes = static_cast<std::uint32_t>(samples.total() * samples.elemSize());
  std::vector<TiffEntry> entries = {{256, 4, static_cast<std::uint32_t>(samples.cols)},
                                    {257, 4, static_cast<std::uint32_t>(samples.rows)},
                                    {258, 3, bits},
                                    {259, 3, 1},
                                    {262, 3, 1},
                                    {277, 3, static_cast<std::uint32_t>(samples.channels())},
                                    {278, 4, static_cast<std::uint32_t>(samples.rows)},
                                    {279, 4, num_bytes},
                                    {339, 3, static_cast<std::uint32_t>(sample_format)}};
  entries.insert(entries.end(), more.begin(), more.end());
  const std::size_t word = is_big ? 8 : 4;
  const std::size_t pixels_at =
      (is_big ? 16 : 8) + (is_big ? 8 : 2) + (entries.size() + 1) * (4 + 2 * word) + word;
  entries.push_back({273, 4, static_cast<std::uint32_t>(pixels_at)});
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.tag < b.tag; });
  Bytes file;
  const auto put = [&file](std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) file.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  file.insert(file.end(), {'I', 'I'});
  put(is_big ? 43 : 42, 2);
  if (is_big) put(8, 4);
  put(is_big ? 16 : 8, word);
  put(entries.size(), is_big ? 8 : 2);
  for (const TiffEntry& entry : entries) {
    put(entry.tag, 2);
    put(entry.type, 2);
    put(1, word);
    put(entry.value, word);
  }
  put(0, word);
  file.insert(file.end(), samples.data, samples.data + num_bytes);
  return file;
}

}  // namespace colmatch
