// Finds and reads photos: names as COLMAP stores them, pixels as COLMAP sees them, and a reason for every
// refusal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

namespace colmatch {

// Names of the images below `folder`, relative to it, '/' separators, raw bytes, sorted as byte strings, none
// twice. Without a list: every file in the folder and its sub-folders that has the suffix of a photo (COLMAP
// tries every file and warns), except those that systems leave there ("._x.jpg", "@eaDir"); links to folders
// are followed, each folder is read once; broken links and special files are named too, so that reading them
// gives their reason. What else is there is told in one line. With a list file: its lines (blank ones,
// surrounding blanks and a byte order mark dropped) as NormalImageName writes them, whatever their suffix;
// they need not exist. Throws UsageError if the folder or list is missing or unreadable or names no image, or
// if a line leaves the folder.
std::vector<std::string> ListImages(const std::filesystem::path& folder,
                                    const std::optional<std::filesystem::path>& list_file = std::nullopt);

struct ImageReadOptions {
  std::uint64_t max_num_pixels = std::uint64_t{1} << 28;  // From the header, before any memory is taken.
};

struct GrayImage {
  cv::Mat gray;    // (height, width) CV_8U
  int width = 0;   // px, as stored in the file: EXIF orientation is never applied (COLMAP, all versions)
  int height = 0;  // px
};

// JPEG, PNG, TIFF, WebP, BMP and PNM. Throws InputError, one line "PATH: reason", for anything else: not a
// regular file, unreadable, empty, not an image, truncated or damaged, or more pixels than allowed.
GrayImage ReadGrayImage(const std::filesystem::path& path, const ImageReadOptions& options = {});

}  // namespace colmatch
