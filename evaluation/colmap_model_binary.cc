// COLMAP's binary model files (little-endian), read with every length checked against what is left of the
// file.
#include <cmath>
#include <cstring>

#include "evaluation/colmap_model_files.h"
#include "geometry/camera.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

class ByteReader {
 public:
  explicit ByteReader(const fs::path& file) : name_(file.string()), bytes_(ReadWholeFile(file)) {}

  template <typename T>
  T Read() {
    Need(sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  // Up to the next zero byte.
  std::string ReadName() {
    const size_t end = bytes_.find('\0', position_);
    if (end == std::string::npos) throw InputError(name_ + ": truncated inside an image name");
    std::string name = bytes_.substr(position_, end - position_);
    position_ = end + 1;
    return name;
  }

  // A count of entries of at least `entry_bytes` each; refused if the file cannot hold them.
  uint64_t ReadCount(uint64_t entry_bytes, const char* what) {
    const auto count = Read<uint64_t>();
    if (count > (bytes_.size() - position_) / entry_bytes) {
      throw InputError(name_ + ": says " + std::to_string(count) + " " + what + ", but only " +
                       std::to_string(bytes_.size() - position_) + " bytes are left; truncated or damaged");
    }
    return count;
  }

  void Skip(uint64_t num_bytes) {
    Need(num_bytes);
    position_ += num_bytes;
  }

  void ExpectEnd() const {
    if (position_ != bytes_.size()) {
      throw InputError(name_ + ": " + std::to_string(bytes_.size() - position_) +
                       " bytes after the last entry; damaged or not a COLMAP model file");
    }
  }

  std::string Where(const std::string& entry) const { return name_ + ": " + entry; }

 private:
  void Need(uint64_t num_bytes) const {
    if (num_bytes > bytes_.size() - position_) {
      throw InputError(name_ + ": truncated at byte " + std::to_string(position_) + " (" +
                       std::to_string(bytes_.size()) + " bytes in all)");
    }
  }

  std::string name_, bytes_;
  size_t position_ = 0;
};

void RefuseTwice(bool inserted, const std::string& where) {
  if (!inserted) throw InputError(where + " appears twice");
}

}  // namespace

void CheckCamera(const ColmapModelCamera& camera, const std::string& where) {
  if (camera.width == 0 || camera.height == 0) throw InputError(where + " has no size");
  for (const double param : camera.params) {
    if (!std::isfinite(param)) throw InputError(where + " has a parameter that is not a finite number");
  }
}

void CheckImage(ColmapModelImage& image, const std::string& where) {
  const double norm = image.rotation.norm();
  if (!image.translation.allFinite() || !std::isfinite(norm) || norm < 1e-6) {
    throw InputError(where + " has a pose that is not a rotation and a translation");
  }
  image.rotation.normalize();
  if (image.name.empty()) throw InputError(where + " has no name");
}

void CheckPoint(const ColmapModelPoint& point, const std::string& where) {
  if (!point.position.allFinite() || !std::isfinite(point.error_px)) {
    throw InputError(where + " has a coordinate or an error that is not a finite number");
  }
}

std::map<uint32_t, ColmapModelCamera> ReadCamerasBinary(const fs::path& file) {
  ByteReader reader(file);
  std::map<uint32_t, ColmapModelCamera> cameras;
  const uint64_t count = reader.ReadCount(48, "cameras");
  for (uint64_t i = 0; i < count; ++i) {
    const auto id = reader.Read<uint32_t>();
    const auto model_id = reader.Read<int32_t>();
    const std::string where = reader.Where("camera " + std::to_string(id));
    const CameraModelInfo* const model = FindCameraModel(model_id);
    if (model == nullptr) {
      throw InputError(
          where + " has model id " + std::to_string(model_id) +
          ", which is not known; convert the model with `colmap model_converter --output_type TXT`");
    }
    ColmapModelCamera camera;
    camera.model = model->name;
    camera.width = reader.Read<uint64_t>();
    camera.height = reader.Read<uint64_t>();
    for (int p = 0; p < model->num_params; ++p) camera.params.push_back(reader.Read<double>());
    CheckCamera(camera, where);
    RefuseTwice(cameras.emplace(id, camera).second, where);
  }
  reader.ExpectEnd();
  return cameras;
}

std::map<uint32_t, ColmapModelImage> ReadImagesBinary(const fs::path& file) {
  ByteReader reader(file);
  std::map<uint32_t, ColmapModelImage> images;
  const uint64_t count = reader.ReadCount(73, "images");
  for (uint64_t i = 0; i < count; ++i) {
    const auto id = reader.Read<uint32_t>();
    const std::string where = reader.Where("image " + std::to_string(id));
    ColmapModelImage image;
    const auto w = reader.Read<double>(), x = reader.Read<double>(), y = reader.Read<double>(),
               z = reader.Read<double>();
    image.rotation = Eigen::Quaterniond(w, x, y, z);
    for (int a = 0; a < 3; ++a) image.translation[a] = reader.Read<double>();
    image.camera_id = reader.Read<uint32_t>();
    image.name = reader.ReadName();
    image.num_points2D = reader.ReadCount(24, "points in an image");
    for (uint64_t p = 0; p < image.num_points2D; ++p) {
      reader.Skip(16);
      const auto point = reader.Read<uint64_t>();
      if (point != kNoPoint3D) image.points.push_back(point);
    }
    CheckImage(image, where);
    RefuseTwice(images.emplace(id, image).second, where);
  }
  reader.ExpectEnd();
  return images;
}

std::map<uint64_t, ColmapModelPoint> ReadPointsBinary(const fs::path& file) {
  ByteReader reader(file);
  std::map<uint64_t, ColmapModelPoint> points;
  const uint64_t count = reader.ReadCount(51, "points");
  for (uint64_t i = 0; i < count; ++i) {
    const auto id = reader.Read<uint64_t>();
    const std::string where = reader.Where("point " + std::to_string(id));
    ColmapModelPoint point;
    for (int a = 0; a < 3; ++a) point.position[a] = reader.Read<double>();
    for (uint8_t& channel : point.rgb) channel = reader.Read<uint8_t>();
    point.error_px = reader.Read<double>();
    point.track_length = reader.ReadCount(8, "observations in a track");
    reader.Skip(8 * point.track_length);
    CheckPoint(point, where);
    RefuseTwice(points.emplace(id, point).second, where);
  }
  reader.ExpectEnd();
  return points;
}

}  // namespace colmatch
