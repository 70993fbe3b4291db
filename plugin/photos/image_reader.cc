// Image listing and reading; decoding itself is image_codecs.cc.
#include "plugin/photos/image_reader.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "plugin/photos/image_codecs.h"
#include "plugin/runtime/log.h"
#include "util/error.h"
#include "util/image_names.h"

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
  suffix.erase(suffix.find_last_not_of(' ') + 1);  // "a.jpg " is a photo too
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return suffixes.count(suffix) > 0;
}

// What systems and servers put beside photos: thumbnails, the trash, metadata of Apple's. "._x.jpg" holds no
// picture, whatever its name says.
bool IsSystemFolder(const std::string& name) {
  static const std::set<std::string> names = {"@eaDir",
                                              "@Recycle",
                                              "@Recently-Snapshot",
                                              "#recycle",
                                              "#snapshot",
                                              "$RECYCLE.BIN",
                                              "System Volume Information",
                                              "lost+found",
                                              "__MACOSX",
                                              ".AppleDouble",
                                              ".Spotlight-V100",
                                              ".TemporaryItems",
                                              ".Trashes",
                                              ".fseventsd",
                                              ".@__thumb",
                                              ".thumbnails",
                                              ".SynologyWorkingDirectory"};
  return names.count(name) > 0 || name.rfind(".Trash-", 0) == 0;
}

bool IsSystemFile(const std::string& name) {
  return name.rfind("._", 0) == 0 || name.rfind("SYNOPHOTO_", 0) == 0 || name.rfind("SYNOFILE_", 0) == 0;
}

// The photos below a folder. Links to folders are followed after all real folders, so that a photo has its
// real name; a folder that was listed already, as one that a link leads back to, is not listed again.
class FolderListing {
 public:
  explicit FolderListing(const fs::path& folder) : folder_(folder) {
    Visit(folder);
    while (!links_.empty()) {
      const fs::path link = *links_.begin();
      links_.erase(links_.begin());
      Visit(link);
    }
    Tell(system_, "not read, as the system put them there: ");
    Tell(others_, "not read, as they are no photos by their suffix: ");
    for (const auto& [name, first] : seen_again_)
      LogInfo((folder_ / name).string() + ": is the same folder as " + first.string() +
              ", whose photos are read once");
  }

  std::vector<std::string> TakeNames() { return std::move(names_); }

 private:
  std::string NameOf(const fs::path& path) const { return path.lexically_relative(folder_).generic_string(); }

  void Visit(const fs::path& path) {
    const fs::path real = fs::canonical(path);
    const auto [first, is_new] = visited_.try_emplace(real, path);
    if (!is_new) {
      seen_again_.emplace_back(NameOf(path), first->second);
      return;
    }
    std::set<fs::path> folders;
    for (const fs::directory_entry& entry : fs::directory_iterator(path)) Take(entry, &folders);
    for (const fs::path& folder : folders) Visit(folder);
  }

  void Take(const fs::directory_entry& entry, std::set<fs::path>* folders) {
    std::error_code ignored;
    const std::string last = entry.path().filename().string();
    const bool is_folder = entry.is_directory(ignored);
    if (is_folder ? IsSystemFolder(last) : IsSystemFile(last)) {
      system_.push_back(NameOf(entry.path()));
    } else if (!is_folder) {
      (IsNamedAsPhoto(entry.path()) ? names_ : others_).push_back(NameOf(entry.path()));
    } else if (entry.is_symlink(ignored)) {
      links_.insert(entry.path());
    } else {
      folders->insert(entry.path());
    }
  }

  void Tell(const std::vector<std::string>& names, const std::string& why) const {
    if (names.empty()) return;
    const size_t num_more = names.size() - 1;
    LogInfo(folder_.string() + ": " + why + *std::min_element(names.begin(), names.end()) +
            (num_more > 0 ? " and " + std::to_string(num_more) + " more" : ""));
  }

  const fs::path folder_;
  std::map<fs::path, fs::path> visited_;  // real path, and where it was met first
  std::set<fs::path> links_;
  std::vector<std::string> names_, others_, system_;
  std::vector<std::pair<std::string, fs::path>> seen_again_;
};

std::vector<std::string> ListFolder(const fs::path& folder) {
  try {
    std::vector<std::string> names = FolderListing(folder).TakeNames();
    if (!names.empty()) return names;
  } catch (const fs::filesystem_error& error) {
    throw UsageError("image folder '" + error.path1().string() +
                     "' cannot be read: " + error.code().message());
  }
  throw UsageError("image folder '" + folder.string() +
                   "' holds no photos (files with the suffix of a picture, as .jpg)");
}

// The name of a listed photo. Blanks around it are the list's, backslashes stand for slashes, and an absolute
// path leads into the folder, unless the file has them in its name.
std::string ListedName(const std::string& line, const fs::path& folder) {
  std::error_code ignored;
  const auto begin = line.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return {};
  const std::string listed = line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
  const fs::path path(listed);
  if (path.is_absolute()) {
    const fs::path inside =
        path.lexically_normal().lexically_relative(fs::absolute(folder).lexically_normal());
    return inside.empty() || *inside.begin() == ".." ? listed : inside.generic_string();
  }
  if (listed.find('\\') != std::string::npos && fs::exists(folder / listed, ignored)) return listed;
  const std::string normal = NormalImageName(listed);
  const bool has_blanks = line.size() != listed.size() && !fs::exists(folder / normal, ignored);
  return has_blanks && fs::exists(folder / line, ignored) ? line : normal;
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
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::string name = ListedName(line, folder);
    if (name.empty()) continue;
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
    const std::string what = NameOfOtherFormat(bytes);
    throw InputError("not an image that can be read (JPEG, PNG, TIFF, WebP, BMP, PNM)" +
                     (what.empty() ? std::string() : ": it is " + what));
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
