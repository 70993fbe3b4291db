// Training pairs for SuperPoint: two warps of one photo, the cell labels of each, and points known to
// correspond.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "training/homography.h"
#include "training/photometric.h"
#include "training/shards.h"

namespace colmatch {

struct SuperPointDataOptions {
  int patch_width = 256;  // pixels, a multiple of 8
  int patch_height = 192;
  int batch_size = 4;             // pairs
  int num_correspondences = 256;  // per pair
  double label_share = 0.7;       // of the correspondences that start from keypoint labels, the rest anywhere
  double min_region = 0.35;       // share of the photo's side that a pair looks at: small enough that patches
  double max_region = 0.8;        // keep about the scale at which the labels were found
  HomographyOptions homography{0.5, 45, 1.0, 0.05};
  PhotometricOptions photometric;
  uint64_t seed = 0;
};

// B pairs; images of both views stacked, view A of all pairs first: 2B images.
struct SuperPointBatch {
  torch::Tensor images;       // (2B, 1, H, W) float32 in [0, 1]
  torch::Tensor cell_labels;  // (2B, H/8, W/8) int64: position 0..63 in the cell, 64 where no keypoint is
  torch::Tensor points_a;     // (B, K, 2) pixels of view A
  torch::Tensor points_b;     // (B, K, 2) the same places in view B
  torch::Tensor valid;        // (B, K) bool; false where the views share too little to find K places
};

// A pure function of (options, photos, step).
SuperPointBatch MakeSuperPointBatch(const std::vector<ShardPhoto>& photos, const PhotoSampler& sampler,
                                    const SuperPointDataOptions& options, uint64_t step, double difficulty);

}  // namespace colmatch
