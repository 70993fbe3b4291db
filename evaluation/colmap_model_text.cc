// COLMAP's text model files: one entry a line (images: two), '#' starts a comment.
#include <charconv>
#include <functional>
#include <sstream>

#include "evaluation/colmap_model_files.h"
#include "geometry/camera.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

// One line, field by field. Every failure names file, line and field.
class Fields {
 public:
  Fields(const std::string& line, std::string where) : line_(line), where_(std::move(where)) {}

  template <typename T>
  T Next(const char* what) {
    SkipSpace();
    T value{};
    const char* begin = line_.data() + position_;
    const auto [end, error] = std::from_chars(begin, line_.data() + line_.size(), value);
    const bool whole = end == line_.data() + line_.size() || *end == ' ' || *end == '\t' || *end == '\r';
    if (error != std::errc() || !whole) throw InputError(where_ + ": expected a number for " + what);
    position_ = size_t(end - line_.data());
    return value;
  }

  std::string NextWord(const char* what) {
    SkipSpace();
    const size_t end = std::min(line_.find_first_of(" \t\r", position_), line_.size());
    if (end == position_) throw InputError(where_ + ": " + what + " is missing");
    std::string word = line_.substr(position_, end - position_);
    position_ = end;
    return word;
  }

  // The rest of the line: names may hold spaces.
  std::string Rest() {
    SkipSpace();
    std::string rest = line_.substr(position_);
    while (!rest.empty() && (rest.back() == '\r' || rest.back() == ' ')) rest.pop_back();
    position_ = line_.size();
    return rest;
  }

  bool AtEnd() {
    SkipSpace();
    return position_ >= line_.size();
  }

  const std::string& where() const { return where_; }

 private:
  void SkipSpace() { position_ = std::min(line_.find_first_not_of(" \t\r", position_), line_.size()); }

  const std::string& line_;
  std::string where_;
  size_t position_ = 0;
};

// Calls read(fields, next_line) for every line that is neither empty nor a comment; next_line() is the line
// after.
using LineReader = std::function<void(Fields&, const std::function<std::string()>&)>;

void ForEachEntry(const fs::path& file, const LineReader& read) {
  std::istringstream text(ReadWholeFile(file));
  std::string line, following;
  int number = 0;
  const auto next_line = [&] {
    ++number;
    if (!std::getline(text, following)) {
      throw InputError(file.string() + ": ends after the image on line " + std::to_string(number - 1) +
                       ", whose line of points is missing; truncated");
    }
    return following;
  };
  while (std::getline(text, line)) {
    ++number;
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    Fields fields(line, file.string() + ":" + std::to_string(number));
    read(fields, next_line);
  }
}

void RefuseTwice(bool inserted, const Fields& fields) {
  if (!inserted) throw InputError(fields.where() + ": this id appears twice");
}

void ReadPoints2D(const std::string& line, const std::string& where, ColmapModelImage* image) {
  Fields fields(line, where + ", points");
  while (!fields.AtEnd()) {
    fields.Next<double>("x");
    fields.Next<double>("y");
    ++image->num_points2D;
    const auto point = fields.Next<int64_t>("POINT3D_ID");
    if (point != -1) image->points.push_back(static_cast<uint64_t>(point));
  }
}

}  // namespace

std::map<uint32_t, ColmapModelCamera> ReadCamerasText(const fs::path& file) {
  std::map<uint32_t, ColmapModelCamera> cameras;
  ForEachEntry(file, [&](Fields& fields, const auto&) {
    const auto id = fields.Next<uint32_t>("CAMERA_ID");
    ColmapModelCamera camera;
    camera.model = fields.NextWord("MODEL");
    camera.width = fields.Next<uint64_t>("WIDTH");
    camera.height = fields.Next<uint64_t>("HEIGHT");
    while (!fields.AtEnd()) camera.params.push_back(fields.Next<double>("PARAMS"));
    const CameraModelInfo* const known = FindCameraModel(camera.model);
    if (known != nullptr && size_t(known->num_params) != camera.params.size()) {
      throw InputError(fields.where() + ": " + camera.model + " has " + std::to_string(known->num_params) +
                       " parameters, found " + std::to_string(camera.params.size()));
    }
    CheckCamera(camera, fields.where());
    RefuseTwice(cameras.emplace(id, camera).second, fields);
  });
  return cameras;
}

std::map<uint32_t, ColmapModelImage> ReadImagesText(const fs::path& file) {
  std::map<uint32_t, ColmapModelImage> images;
  ForEachEntry(file, [&](Fields& fields, const auto& next_line) {
    const auto id = fields.Next<uint32_t>("IMAGE_ID");
    ColmapModelImage image;
    const auto w = fields.Next<double>("QW"), x = fields.Next<double>("QX"), y = fields.Next<double>("QY"),
               z = fields.Next<double>("QZ");
    image.rotation = Eigen::Quaterniond(w, x, y, z);
    for (int a = 0; a < 3; ++a) image.translation[a] = fields.Next<double>("the translation");
    image.camera_id = fields.Next<uint32_t>("CAMERA_ID");
    image.name = fields.Rest();
    CheckImage(image, fields.where());
    ReadPoints2D(next_line(), fields.where(), &image);
    RefuseTwice(images.emplace(id, image).second, fields);
  });
  return images;
}

std::map<uint64_t, ColmapModelPoint> ReadPointsText(const fs::path& file) {
  std::map<uint64_t, ColmapModelPoint> points;
  ForEachEntry(file, [&](Fields& fields, const auto&) {
    const auto id = fields.Next<uint64_t>("POINT3D_ID");
    ColmapModelPoint point;
    for (int a = 0; a < 3; ++a) point.position[a] = fields.Next<double>("X Y Z");
    for (uint8_t& channel : point.rgb) channel = static_cast<uint8_t>(fields.Next<int>("R G B"));
    point.error_px = fields.Next<double>("ERROR");
    while (!fields.AtEnd()) {
      fields.Next<uint32_t>("IMAGE_ID of the track");
      fields.Next<uint32_t>("POINT2D_IDX of the track");
      ++point.track_length;
    }
    CheckPoint(point, fields.where());
    RefuseTwice(points.emplace(id, point).second, fields);
  });
  return points;
}

}  // namespace colmatch
