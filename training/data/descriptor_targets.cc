// A teacher's descriptors; see descriptor_targets.h.
#include "training/data/descriptor_targets.h"

#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "util/byte_stream.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

constexpr char kMagic[] = "CMTEACH1";
constexpr char kMaker[] = "scripts/teach_descriptors.py";

// IEEE half precision, without infinities and NaN, which a unit vector does not have.
float FromHalf(uint16_t bits) {
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                        : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  return (bits >> 15) != 0 ? -magnitude : magnitude;
}

DescriptorTargets ReadPhoto(ByteReader& in, int descriptor_dim) {
  DescriptorTargets photo;
  photo.name = in.GetText<uint16_t>();
  photo.width = in.Get<uint16_t>();
  photo.height = in.Get<uint16_t>();
  photo.descriptor_dim = descriptor_dim;
  const size_t count = in.Get<uint32_t>();
  photo.points = in.GetValues<KeypointLabel>(count);
  photo.descriptors = in.GetValues<uint16_t>(count * static_cast<size_t>(descriptor_dim));
  return photo;
}

// From the pixels that the teacher saw to those of the shard.
void Rescale(const ShardPhoto& photo, DescriptorTargets& targets) {
  const float sx = static_cast<float>(photo.width) / static_cast<float>(targets.width),
              sy = static_cast<float>(photo.height) / static_cast<float>(targets.height);
  // Sizes are rounded to whole pixels, so the two factors may differ a little.
  const float most = 1.0f + 2.0f / static_cast<float>(std::min(photo.width, photo.height));
  if (!(sx < sy * most && sy < sx * most)) {
    throw InputError(targets.name + ": the teacher saw it as " + std::to_string(targets.width) + "x" +
                     std::to_string(targets.height) + " pixels, the training shard has it as " +
                     std::to_string(photo.width) + "x" + std::to_string(photo.height) +
                     ": another shape; make targets and shard from the same photos");
  }
  for (KeypointLabel& point : targets.points) {
    point.x = (point.x + 0.5f) * sx - 0.5f;
    point.y = (point.y + 0.5f) * sy - 0.5f;
  }
  targets.width = photo.width;
  targets.height = photo.height;
}

}  // namespace

std::vector<float> DescriptorTargets::Descriptor(size_t point) const {
  const auto begin = descriptors.begin() + static_cast<std::ptrdiff_t>(point * descriptor_dim);
  std::vector<float> values;
  for (auto it = begin; it != begin + descriptor_dim; ++it) values.push_back(FromHalf(*it));
  return values;
}

std::vector<DescriptorTargets> ReadDescriptorTargets(const std::vector<std::string>& paths) {
  std::vector<DescriptorTargets> photos;
  int expected_dim = 0;
  for (const std::string& path : paths) {
    const std::string bytes = ReadWholeFile(path);
    ByteReader in(bytes, path, kMaker);
    in.RequireMagic(kMagic, "a file of a teacher's descriptors");
    const auto count = in.Get<uint32_t>();
    const auto dim = static_cast<int>(in.Get<uint32_t>());
    if (expected_dim == 0) expected_dim = dim;
    if (dim != expected_dim || dim < 1) {
      throw InputError(path + ": descriptors of " + std::to_string(dim) + " numbers, expected " +
                       std::to_string(expected_dim) + " as in " + paths.front() +
                       "; make all files with one teacher");
    }
    for (uint32_t i = 0; i < count; ++i) photos.push_back(ReadPhoto(in, dim));
    in.ExpectEnd();
  }
  return photos;
}

std::vector<ShardPhoto> WithTargets(const std::vector<ShardPhoto>& photos,
                                    std::vector<DescriptorTargets> targets) {
  std::map<std::string, DescriptorTargets*> by_name;
  for (DescriptorTargets& photo : targets) by_name[photo.name] = &photo;
  std::vector<ShardPhoto> taught;
  for (const ShardPhoto& photo : photos) {
    const auto found = by_name.find(photo.name);
    if (found == by_name.end() || found->second->points.empty()) continue;
    Rescale(photo, *found->second);
    taught.push_back(photo);
    taught.back().targets = std::make_shared<const DescriptorTargets>(std::move(*found->second));
    by_name.erase(found);
  }
  if (taught.empty()) {
    throw InputError("none of the " + std::to_string(photos.size()) +
                     " photos of the training shards is among the " + std::to_string(targets.size()) +
                     " of the teacher's descriptors; make both from the same folder of photos");
  }
  return taught;
}

}  // namespace colmatch
