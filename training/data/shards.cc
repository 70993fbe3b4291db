// Training shards; see shards.h.
#include "training/data/shards.h"

#include <algorithm>
#include <cstring>

#include "util/atomic_file.h"
#include "util/byte_stream.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

constexpr char kMagic[] = "CMSHARD1";

ShardPhoto ReadPhoto(ByteReader& in) {
  ShardPhoto photo;
  photo.name = in.GetText<uint16_t>();
  photo.set = in.GetText<uint16_t>();
  photo.weight = in.Get<float>();
  photo.width = in.Get<uint16_t>();
  photo.height = in.Get<uint16_t>();
  const size_t num_labels = in.Get<uint32_t>();
  const size_t num_pixels = static_cast<size_t>(photo.width) * photo.height;
  photo.pixels = in.GetValues<uint8_t>(num_pixels);
  photo.labels = in.GetValues<KeypointLabel>(num_labels);
  return photo;
}

}  // namespace

void WriteShard(const std::string& path, const std::vector<ShardPhoto>& photos) {
  static_assert(sizeof(KeypointLabel) == 12, "the label record of the file format");
  ByteWriter out(kMagic);
  out.Put(static_cast<uint32_t>(photos.size()));
  for (const ShardPhoto& photo : photos) {
    out.PutText<uint16_t>(photo.name);
    out.PutText<uint16_t>(photo.set);
    out.Put(photo.weight);
    out.Put(static_cast<uint16_t>(photo.width));
    out.Put(static_cast<uint16_t>(photo.height));
    out.Put(static_cast<uint32_t>(photo.labels.size()));
    out.PutValues(photo.pixels);
    out.PutValues(photo.labels);
  }
  WriteFileAtomically(path, out.bytes());
}

std::vector<ShardPhoto> ReadShards(const std::vector<std::string>& paths) {
  std::vector<ShardPhoto> photos;
  for (const std::string& path : paths) {
    const std::string bytes = ReadWholeFile(path);
    ByteReader in(bytes, path, "colmatch prepare_shards");
    in.RequireMagic(kMagic, "a training shard");
    const auto count = in.Get<uint32_t>();
    for (uint32_t i = 0; i < count; ++i) photos.push_back(ReadPhoto(in));
    in.ExpectEnd();
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
