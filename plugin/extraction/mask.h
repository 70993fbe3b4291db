// Masks of photos, COLMAP's --ImageReader.mask_path and --ImageReader.camera_mask_path: where a mask is 0
// there are no keypoints.
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace colmatch {

// The masks of one photo.
class PhotoMask {
 public:
  void Add(cv::Mat mask) { masks_.push_back(std::move(mask)); }  // (height, width) CV_8U
  bool empty() const { return masks_.empty(); }

  // A keypoint of colmatch, px of the photo. COLMAP's rule: false where a mask's pixel (int x, int y), x and
  // y in COLMAP's coordinates, is 0 or outside the mask.
  bool Keeps(float x, float y) const;

 private:
  std::vector<cv::Mat> masks_;
};

class MaskFolder {
 public:
  // Either may be empty: no such mask. Throws UsageError if the folder is missing or the camera's mask cannot
  // be read (COLMAP goes on without it).
  MaskFolder(const std::string& mask_path, const std::string& camera_mask_path);

  bool empty() const { return mask_path_.empty() && camera_mask_path_.empty(); }

  // Throw InputError with the reason if the photo's mask is missing, unreadable or of another size than the
  // photo: COLMAP 4 skips such a photo too, but not for the size. The file is mask_path/NAME.png or, as
  // COLMAP 4, mask_path/STEM.png.
  PhotoMask Of(const std::string& image_name, int width, int height) const;
  // Names the masks by their content, for the features' provenance; empty without masks.
  std::string Fingerprint(const std::string& image_name) const;

 private:
  std::filesystem::path FileOf(const std::string& image_name) const;

  std::filesystem::path mask_path_, camera_mask_path_;
  cv::Mat camera_mask_;
};

}  // namespace colmatch
