// Masks; see mask.h.
#include "plugin/extraction/mask.h"

#include "plugin/extraction/colmap_convert.h"
#include "plugin/photos/image_reader.h"
#include "util/error.h"
#include "util/read_file.h"
#include "util/sha256.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

void RequireSize(const cv::Mat& mask, const fs::path& path, int width, int height) {
  if (mask.cols == width && mask.rows == height) return;
  throw InputError("the mask " + path.string() + " has " + std::to_string(mask.cols) + "x" +
                   std::to_string(mask.rows) + " pixels, the photo " + std::to_string(width) + "x" +
                   std::to_string(height));
}

std::string HashOf(const fs::path& path) {
  try {
    return Sha256Hex(ReadWholeFile(path));
  } catch (const EnvironmentError& error) {
    throw InputError(error.what());
  }
}

}  // namespace

bool PhotoMask::Keeps(float x, float y) const {
  // In float, as the keypoint is stored. COLMAP cuts off towards 0.
  const int column = static_cast<int>(x + static_cast<float>(kColmapPixelShift));
  const int row = static_cast<int>(y + static_cast<float>(kColmapPixelShift));
  for (const cv::Mat& mask : masks_) {
    if (column < 0 || row < 0 || column >= mask.cols || row >= mask.rows) return false;
    if (mask.at<std::uint8_t>(row, column) == 0) return false;
  }
  return true;
}

MaskFolder::MaskFolder(const std::string& mask_path, const std::string& camera_mask_path)
    : mask_path_(mask_path), camera_mask_path_(camera_mask_path) {
  std::error_code error;
  if (!mask_path_.empty() && !fs::is_directory(mask_path_, error)) {
    throw UsageError("--ImageReader.mask_path " + mask_path + ": there is no such folder");
  }
  if (camera_mask_path_.empty()) return;
  try {
    camera_mask_ = ReadGrayImage(camera_mask_path_).gray;
  } catch (const InputError& reason) {
    throw UsageError(std::string("--ImageReader.camera_mask_path: ") + reason.what());
  }
}

PhotoMask MaskFolder::Of(const std::string& image_name, int width, int height) const {
  PhotoMask mask;
  if (!camera_mask_path_.empty()) {
    RequireSize(camera_mask_, camera_mask_path_, width, height);
    mask.Add(camera_mask_);
  }
  if (!mask_path_.empty()) {
    const fs::path path = FileOf(image_name);
    const cv::Mat pixels = ReadGrayImage(path).gray;
    RequireSize(pixels, path, width, height);
    mask.Add(pixels);
  }
  return mask;
}

std::string MaskFolder::Fingerprint(const std::string& image_name) const {
  if (empty()) return "";
  std::string hashes;
  if (!camera_mask_path_.empty()) hashes += HashOf(camera_mask_path_);
  if (!mask_path_.empty()) hashes += HashOf(FileOf(image_name));
  return Sha256Hex(hashes).substr(0, 16);
}

fs::path MaskFolder::FileOf(const std::string& image_name) const {
  const fs::path inside = fs::path(image_name).relative_path();  // `match` names photos anywhere
  const fs::path whole = mask_path_ / (inside.string() + ".png");
  const fs::path stem = (mask_path_ / inside).replace_extension(".png");
  std::error_code error;
  if (fs::exists(whole, error)) return whole;
  if (fs::exists(stem, error)) return stem;
  throw InputError(image_name + ": no mask " + whole.string() + " or " + stem.string());
}

}  // namespace colmatch
