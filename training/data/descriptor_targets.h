// What a teacher answers about training photos: its descriptors at points of each photo. SuperPoint learns to
// give the same descriptors at the same places of warped and changed views.
// File format (little endian), as scripts/teach_descriptors.py writes it:
//   8 bytes magic "CMTEACH1", u32 photo count, u32 descriptor size D, then per photo:
//   u16 name length, name, u16 width, u16 height, u32 point count N, N * (f32 x, f32 y, f32 score),
//   N * D * fp16: unit descriptors
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "training/data/shards.h"

namespace colmatch {

struct DescriptorTargets {
  std::string name;                   // the photo's name in its shard
  int width = 0, height = 0;          // of the photo that the teacher saw
  int descriptor_dim = 0;             // D
  std::vector<KeypointLabel> points;  // pixels of that photo; score 0: not a keypoint of the teacher
  std::vector<uint16_t> descriptors;  // points.size() * D, IEEE half precision

  // D floats.
  std::vector<float> Descriptor(size_t point) const;
};

// All photos of the files, in order. Throws InputError naming file and offset for a damaged one, and for
// files of different descriptor sizes.
std::vector<DescriptorTargets> ReadDescriptorTargets(const std::vector<std::string>& paths);

// The photos that have targets, in their order, with `targets` set and its points in pixels of the shard's
// photo. Throws InputError where no photo has any, and where a photo's shape is not the one the teacher saw.
std::vector<ShardPhoto> WithTargets(const std::vector<ShardPhoto>& photos,
                                    std::vector<DescriptorTargets> targets);

}  // namespace colmatch
