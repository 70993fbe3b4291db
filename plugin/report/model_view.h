// A reconstructed model as it is shown: points in their colours and cameras as pyramids, moved so that up is
// up and the scene has size 1. The interactive view, the still picture and the terminal's picture are all
// made of it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "evaluation/colmap_model.h"

namespace colmatch {

// Coordinates: right-handed, y up; the middle of the points is the origin, nine tenths of them are nearer
// than 1.
struct ModelView {
  // Nothing is drawn farther than this from the middle: a few points at infinity would shrink the rest to a
  // dot.
  static constexpr float kReach = 8;

  struct Camera {
    int image = 0;                      // index into the names
    cv::Vec3f center;                   // where it stands
    std::array<cv::Vec3f, 4> corners;   // to the picture's corners from there, of depth 1: upper left, upper
                                        // right, lower right, lower left
    std::vector<unsigned char> jpeg{};  // a small picture of the photo; may be empty
  };
  std::vector<cv::Vec3f> positions;          // in an order of chance: any first part is a fair sample
  std::vector<std::array<uint8_t, 3>> rgbs;  // one each
  std::vector<Camera> cameras;               // by image
  uint64_t num_points = 0;                   // of the model, those not taken included
  cv::Vec3f eye;                             // a good place to look at the origin from
};

// At most max_num_points of the model's points. Cameras of images that are not among the names are left out.
ModelView MakeModelView(const ColmapModel& model, const std::vector<std::string>& names,
                        size_t max_num_points);

// Small pictures for the cameras, from the photos below image_path; at most so many, evenly chosen. A photo
// that cannot be read stays without.
void AddThumbnails(ModelView& view, const std::vector<std::string>& names,
                   const std::filesystem::path& image_path, size_t max_num_thumbnails);

}  // namespace colmatch
