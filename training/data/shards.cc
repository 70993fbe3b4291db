// Training shards; see shards.h.
#include "training/data/shards.h"

#include <algorithm>
#include <cstring>

#include "util/atomic_file.h"
#include "util/byte_cursor.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

constexpr char kMagic[] = "CMSHARD1";

ShardPhoto ReadPhoto(ByteCursor& cursor) {
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
  std::string bytes = kMagic;
  AppendNumber(bytes, static_cast<uint32_t>(photos.size()));
  for (const ShardPhoto& photo : photos) {
    AppendText(bytes, photo.name);
    AppendText(bytes, photo.set);
    AppendNumber(bytes, photo.weight);
    AppendNumber(bytes, static_cast<uint16_t>(photo.width));
    AppendNumber(bytes, static_cast<uint16_t>(photo.height));
    AppendNumber(bytes, static_cast<uint32_t>(photo.labels.size()));
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
    ByteCursor cursor(path, bytes, "colmatch prepare_shards");
    cursor.RequireMagic(kMagic, "a training shard");
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
