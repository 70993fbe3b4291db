// Training shards: decoded grey photos and their keypoint labels in one flat file, so that training needs no
// image codec. Format (little endian), docs/shard_format.md:
//   8 bytes magic "CMSHARD1", u32 photo count, then per photo:
//   u16 name length, name, u16 set length, set, f32 weight, u16 width, u16 height, u32 label count,
//   width*height bytes of grey, label count * (f32 x, f32 y, f32 score)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "util/random.h"

namespace colmatch {

struct KeypointLabel {
  float x = 0, y = 0;  // pixels of the stored photo
  float score = 0;     // share of views in which the teacher found it
};

struct DescriptorTargets;

struct ShardPhoto {
  std::string name;
  std::string set;   // the data set it belongs to
  float weight = 1;  // how often it is drawn, relative to others
  int width = 0, height = 0;
  std::vector<uint8_t> pixels;
  std::vector<KeypointLabel> labels;
  std::shared_ptr<const DescriptorTargets> targets =
      nullptr;  // not in the file: WithTargets (descriptor_targets.h)
};

// Temporary name, fsync, rename. Throws EnvironmentError.
void WriteShard(const std::string& path, const std::vector<ShardPhoto>& photos);

// All photos of the shards, in order. Throws InputError naming file and offset for a damaged one.
std::vector<ShardPhoto> ReadShards(const std::vector<std::string>& paths);

// Draws photo indices in proportion to weight.
class PhotoSampler {
 public:
  explicit PhotoSampler(const std::vector<ShardPhoto>& photos);
  size_t Draw(Rng& rng) const;

  // Different photos: two pairs of one photo in a batch would count true matches as false ones. Where fewer
  // than count photos can be drawn in reasonable time, some come twice.
  std::vector<size_t> DrawDistinct(Rng& rng, size_t count) const;

 private:
  std::vector<double> cumulative_;
};

}  // namespace colmatch
