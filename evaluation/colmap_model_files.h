// The six files of a COLMAP model, one reader each; used by colmap_model.cc. All throw InputError for what is
// in a file, EnvironmentError for a file that cannot be read.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "evaluation/colmap_model.h"

namespace colmatch {

std::map<uint32_t, ColmapModelCamera> ReadCamerasBinary(const std::filesystem::path& file);
std::map<uint32_t, ColmapModelImage> ReadImagesBinary(const std::filesystem::path& file);
std::map<uint64_t, ColmapModelPoint> ReadPointsBinary(const std::filesystem::path& file);

std::map<uint32_t, ColmapModelCamera> ReadCamerasText(const std::filesystem::path& file);
std::map<uint32_t, ColmapModelImage> ReadImagesText(const std::filesystem::path& file);
std::map<uint64_t, ColmapModelPoint> ReadPointsText(const std::filesystem::path& file);

// What both formats demand of one entry; `where` names file and entry in the message.
void CheckCamera(const ColmapModelCamera& camera, const std::string& where);
// Normalizes the quaternion, whose four components are as read.
void CheckImage(ColmapModelImage& image, const std::string& where);
void CheckPoint(const ColmapModelPoint& point, const std::string& where);

}  // namespace colmatch
