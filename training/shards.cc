// Training shards; see shards.h.
#include "training/shards.h"

#include <algorithm>
#include <cstring>

#include "network/atomic_file.h"
#include "network/error.h"
#include "network/read_file.h"

namespace colmatch {
namespace {

constexpr char kMagic[] = "CMSHARD1";
constexpr size_t kMagicSize = 8;

template <typename T>
void Append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void AppendText(std::string& bytes, const std::string& text) {
  Append(bytes, static_cast<uint16_t>(text.size()));
  bytes += text;
}

// Reads with every length checked against what is left.
class Cursor {
 public:
  Cursor(const std::string& path, const std::string& bytes) : path_(path), bytes_(bytes) {}

  const char* Take(size_t count) {
    if (count > bytes_.size() - offset_) {
      throw InputError(path_ + ": shard damaged: " + std::to_string(count) + " bytes expected at offset " +
                       std::to_string(offset_) +
                       ", the file ends; make it again with colmatch prepare_shards");
    }
    const char* data = bytes_.data() + offset_;
    offset_ += count;
    return data;
  }
  template <typename T>
  T Read() {
    T value;
    std::memcpy(&value, Take(sizeof(T)), sizeof(T));
    return value;
  }
  void RequireEnd() const {
    if (offset_ == bytes_.size()) return;
    throw InputError(path_ + ": shard damaged: the last photo ends at offset " + std::to_string(offset_) +
                     ", the file at " + std::to_string(bytes_.size()) +
                     "; make it again with colmatch prepare_shards");
  }
  std::string ReadText() {
    const auto length = Read<uint16_t>();
    return std::string(Take(length), length);
  }

 private:
  const std::string& path_;
  const std::string& bytes_;
  size_t offset_ = 0;
};

ShardPhoto ReadPhoto(Cursor& cursor) {
  ShardPhoto photo;
  photo.name = cursor.ReadText();
  photo.set = cursor.ReadText();
  photo.weight = cursor.Read<float>();
  photo.width = cursor.Read<uint16_t>();
  photo.height = cursor.Read<uint16_t>();
  const size_t num_labels = cursor.Read<uint32_t>();
  const size_t num_pixels = static_cast<size_t>(photo.width) * photo.height;
  const char* pixels = cursor.Take(num_pixels);
  photo.pixels.assign(pixels, pixels + num_pixels);
  const char* labels = cursor.Take(num_labels * sizeof(KeypointLabel));
  photo.labels.resize(num_labels);
  if (num_labels > 0) std::memcpy(photo.labels.data(), labels, num_labels * sizeof(KeypointLabel));
  return photo;
}

}  // namespace

void WriteShard(const std::string& path, const std::vector<ShardPhoto>& photos) {
  static_assert(sizeof(KeypointLabel) == 12, "the label record of the file format");
  std::string bytes(kMagic, kMagicSize);
  Append(bytes, static_cast<uint32_t>(photos.size()));
  for (const ShardPhoto& photo : photos) {
    AppendText(bytes, photo.name);
    AppendText(bytes, photo.set);
    Append(bytes, photo.weight);
    Append(bytes, static_cast<uint16_t>(photo.width));
    Append(bytes, static_cast<uint16_t>(photo.height));
    Append(bytes, static_cast<uint32_t>(photo.labels.size()));
    bytes.append(reinterpret_cast<const char*>(photo.pixels.data()), photo.pixels.size());
    bytes.append(reinterpret_cast<const char*>(photo.labels.data()),
                 photo.labels.size() * sizeof(KeypointLabel));
  }
  WriteFileAtomically(path, bytes);
}

std::vector<ShardPhoto> ReadShards(const std::vector<std::string>& paths) {
  std::vector<ShardPhoto> photos;
  for (const std::string& path : paths) {
    const std::string bytes = ReadWholeFile(path);
    Cursor cursor(path, bytes);
    if (bytes.size() < kMagicSize || std::memcmp(cursor.Take(kMagicSize), kMagic, kMagicSize) != 0) {
      throw InputError(
          path + ": not a training shard (magic CMSHARD1 expected); make one with colmatch prepare_shards");
    }
    const auto count = cursor.Read<uint32_t>();
    for (uint32_t i = 0; i < count; ++i) photos.push_back(ReadPhoto(cursor));
    cursor.RequireEnd();
  }
  return photos;
}

PhotoSampler::PhotoSampler(const std::vector<ShardPhoto>& photos) {
  double sum = 0;
  for (const ShardPhoto& photo : photos) cumulative_.push_back(sum += std::max(0.0f, photo.weight));
  if (!(sum > 0)) throw InputError("training shards hold no photo of positive weight");
}

size_t PhotoSampler::Draw(Rng& rng) const {
  const double target = rng.Uniform() * cumulative_.back();
  const auto it = std::upper_bound(cumulative_.begin(), cumulative_.end(), target);
  return std::min<size_t>(it - cumulative_.begin(), cumulative_.size() - 1);
}

std::vector<size_t> PhotoSampler::DrawDistinct(Rng& rng, size_t count) const {
  std::vector<size_t> drawn;
  for (size_t i = 0; i < count; ++i) {
    size_t photo = Draw(rng);
    const auto is_new = [&] { return std::find(drawn.begin(), drawn.end(), photo) == drawn.end(); };
    for (int tries = 0; tries < 32 && !is_new(); ++tries) photo = Draw(rng);
    drawn.push_back(photo);
  }
  return drawn;
}

}  // namespace colmatch
