// Photos, options and batches that the tests of SuperPoint's training data share.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "tests/network/tensor_near.h"
#include "tests/training/training_test_util.h"
#include "training/data/superpoint_data.h"

namespace colmatch {

inline constexpr int64_t kNoKeypoint = 64;

inline SuperPointDataOptions Options(LabelSource labels = LabelSource::kShards) {
  SuperPointDataOptions options;
  options.labels = labels;
  options.patch_width = 80;
  options.patch_height = 64;
  options.batch_size = 3;
  options.num_correspondences = 40;
  options.photometric.strength = 0;
  options.seed = 5;
  return options;
}

inline std::vector<ShardPhoto> Photos() {
  return {TexturePhoto(1), TexturePhoto(2), TexturePhoto(3, 120, 160)};
}

inline SuperPointBatch MakeBatch(const std::vector<ShardPhoto>& photos, const SuperPointDataOptions& options,
                                 uint64_t step, double difficulty = 1) {
  return MakeSuperPointBatch(photos, PhotoSampler(photos), options, step, difficulty);
}

inline bool Same(const SuperPointBatch& a, const SuperPointBatch& b) {
  return SameBytes(a.images, b.images) && SameBytes(a.cell_labels, b.cell_labels) &&
         SameBytes(a.points_a, b.points_a) && SameBytes(a.points_b, b.points_b) &&
         SameBytes(a.valid, b.valid);
}

}  // namespace colmatch
