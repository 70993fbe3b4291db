// Image listing and reading; decoding itself is image_codecs.cc.
#include "plugin/image_reader.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>

#include "network/error.h"
#include "plugin/image_codecs.h"
#include "plugin/image_names.h"
#include "plugin/log.h"

namespace colmatch {
namespace fs = std::filesystem;
namespace {

// A photo of the default pixel limit is far below; a disk image named .jpg is not read into memory.
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{1} << 32;

// Suffixes of photos, also of formats that cannot be read: such a photo is named with that reason. What has
// none of these (LICENSE, notes.txt, .json) is no photo by its name, and nobody expects it to be read.
bool IsNamedAsPhoto(const fs::path& path) {
  static const std::set<std::string> suffixes = {
      ".jpg", ".jpeg", ".jpe", ".jfif", ".png",  ".tif",  ".tiff", ".webp", ".bmp", ".dib", ".pnm",
      ".pbm", ".pgm",  ".ppm", ".gif",  ".heic", ".heif", ".avif", ".jxl",  ".jp2", ".j2k", ".tga",
      ".exr", ".hdr",  ".dng", ".cr2",  ".cr3",  ".nef",  ".arw",  ".orf",  ".rw2", ".raf", ".pef"};
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return suffixes.count(suffix) > 0;
}

void TellOfOtherFiles(const fs::path& folder, const std::vector<std::string>& others) {
  if (others.empty()) return;
  const size_t num_more = others.size() - 1;
  LogInfo(folder.string() + ": not read, as they are no photos by their suffix: " +
          *std::min_element(others.begin(), others.end()) +
          (num_more > 0 ? " and " + std::to_string(num_more) + " more" : ""));
}

std::vector<std::string> ListFolder(const fs::path& folder) {
  std::vector<std::string> names, others;
  try {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
      std::error_code ignored;
      if (entry.is_directory(ignored)) continue;
      const std::string name = entry.path().lexically_relative(folder).generic_string();
      (IsNamedAsPhoto(entry.path()) ? names : others).push_back(name);
    }
  } catch (const fs::filesystem_error& error) {
    throw UsageError("image folder '" + error.path1().string() +
                     "' cannot be read: " + error.code().message());
  }
  if (names.empty()) {
    throw UsageError("image folder '" + folder.string() +
                     "' holds no photos (files with the suffix of a picture, as .jpg)");
  }
  TellOfOtherFiles(folder, others);
  return names;
}

void CheckListedName(const std::string& name, const fs::path& list_file) {
  const fs::path path(name);
  const bool leaves_folder = std::find(path.begin(), path.end(), "..") != path.end();
  if (path.is_absolute() || leaves_folder) {
    throw UsageError("image list '" + list_file.string() + "' names '" + name +
                     "': expected a path relative to the image folder and inside it");
  }
}

std::vector<std::string> ReadList(const fs::path& folder, const fs::path& list_file) {
  std::ifstream stream(list_file, std::ios::binary);
  if (!stream || fs::is_directory(list_file)) {
    throw UsageError("image list '" + list_file.string() + "' cannot be read: " + std::strerror(errno));
  }
  SkipByteOrderMark(stream, list_file.string());
  std::vector<std::string> names;
  for (std::string line; std::getline(stream, line);) {
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos) continue;
    const std::string listed = line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
    std::error_code ignored;
    const bool as_it_is = listed.find('\\') != std::string::npos && fs::exists(folder / listed, ignored);
    const std::string name = as_it_is ? listed : NormalImageName(listed);
    CheckListedName(name, list_file);
    names.push_back(name);
  }
  if (names.empty()) throw UsageError("image list '" + list_file.string() + "' names no image");
  return names;
}

// Throws InputError, without the path, unless `path` is a regular file that can be opened; returns its size.
std::uintmax_t CheckRegularFile(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    throw InputError(fs::is_symlink(fs::symlink_status(path, error)) ? "broken link" : "no such file");
  }
  if (error) throw InputError("cannot be read: " + error.message());
  if (fs::is_directory(status)) throw InputError("is a folder, not an image");
  if (!fs::is_regular_file(status)) throw InputError("is not a regular file");  // Opening a FIFO would block.
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) throw InputError("cannot be read: " + error.message());
  if (size == 0) throw InputError("empty file (0 bytes)");
  if (size > kMaxFileBytes)
    throw InputError("file of " + std::to_string(size) + " bytes is too large for an image");
  return size;
}

std::vector<std::uint8_t> ReadFile(const fs::path& path) {
  const std::uintmax_t size = CheckRegularFile(path);
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw InputError(std::string("cannot be opened: ") + std::strerror(errno));
  std::vector<std::uint8_t> bytes(std::min<std::uintmax_t>(size, kSniffBytes));
  const std::size_t num_head_bytes = bytes.size();
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(num_head_bytes));
  if (!SniffFormat(bytes)) {  // Before the rest is read: it may be a film named .jpg.
    throw InputError("not an image that can be read (JPEG, PNG, TIFF, WebP, BMP, PNM)");
  }
  bytes.resize(size);
  stream.read(reinterpret_cast<char*>(bytes.data() + num_head_bytes),
              static_cast<std::streamsize>(size - num_head_bytes));
  if (!stream) throw InputError("cannot be read to its end");
  return bytes;
}

GrayImage Decode(const std::vector<std::uint8_t>& bytes, const ImageReadOptions& options) {
  const ImageHeader header = ParseImageHeader(bytes, SniffFormat(bytes).value());
  const std::uint64_t width = header.width_px, height = header.height_px;
  if (width == 0 || height == 0) throw InputError("damaged image: the header gives no size");
  if (width > options.max_num_pixels / height) {
    throw InputError("image of " + std::to_string(width) + "x" + std::to_string(height) +
                     " pixels is over the limit of " + std::to_string(options.max_num_pixels) + " pixels");
  }
  GrayImage image;
  image.gray = DecodeGray(bytes, header);
  image.width = image.gray.cols;
  image.height = image.gray.rows;
  return image;
}

}  // namespace

std::vector<std::string> ListImages(const fs::path& folder, const std::optional<fs::path>& list_file) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    const bool exists = fs::exists(folder, error);
    throw UsageError("image folder '" + folder.string() +
                     (exists ? "' is not a folder" : "' does not exist"));
  }
  std::vector<std::string> names = list_file ? ReadList(folder, *list_file) : ListFolder(folder);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

GrayImage ReadGrayImage(const fs::path& path, const ImageReadOptions& options) {
  try {
    return Decode(ReadFile(path), options);
  } catch (const InputError& error) {
    throw InputError(path.string() + ": " + error.what());
  } catch (const cv::Exception& error) {
    throw InputError(path.string() + ": cannot be decoded: " + error.err);
  } catch (const std::bad_alloc&) {
    throw InputError(path.string() + ": not enough memory to decode it");
  }
}

}  // namespace colmatch
