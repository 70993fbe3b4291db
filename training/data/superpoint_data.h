// Training pairs for SuperPoint: two warps of one photo, the cell labels of each, and points known to
// correspond.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "training/data/camera_changes.h"
#include "training/data/device_images.h"
#include "training/data/homography.h"
#include "training/data/photometric.h"
#include "training/data/shards.h"

namespace colmatch {

// Where a patch has keypoints.
enum class LabelSource {
  // Peaks of the Hessian that both views of the pair show at the same place. The detector learns how probably
  // a peak is found again, at the scale, noise and blur it sees; a cell the other view does not show is left
  // out.
  kRepeatedPeaks,
  kShards,  // the shard's labels, from homographic adaptation (DeTone 2018)
};

struct SuperPointDataOptions {
  LabelSource labels = LabelSource::kRepeatedPeaks;
  double max_peaks_per_cell = 0.3;  // the strongest of a view; more would coincide by chance
  double repeated_px = 1.5;         // distance of a peak from where the other view has it
  int patch_width = 256;            // pixels, a multiple of 8
  int patch_height = 192;
  int batch_size = 4;             // pairs
  int num_correspondences = 256;  // per pair
  double label_share = 0.7;       // of the correspondences that start from keypoint labels, the rest anywhere
  double target_share =
      0.7;  // of the correspondences that start from a teacher's points, where a photo has them
  double min_region = 0.35;  // share of the photo's side that a pair looks at: small enough that patches
  double max_region = 0.8;   // keep about the scale at which the labels were found
  HomographyOptions homography{0.5, 45, 1.0, 0.05};
  PhotometricOptions photometric;
  CameraChangeOptions camera;  // after the photometric changes
  uint64_t seed = 0;
};

inline constexpr int64_t kIgnoredCell = -100;  // cross-entropy's own number for it

// B pairs; images of both views stacked, view A of all pairs first: 2B images.
struct SuperPointBatch {
  torch::Tensor images;       // (2B, 1, H, W) float32 in [0, 1]
  torch::Tensor cell_labels;  // (2B, H/8, W/8) int64: position 0..63 in the cell, 64 where no
                              // keypoint is, kIgnoredCell where that is not known
  torch::Tensor points_a;     // (B, K, 2) pixels of view A
  torch::Tensor points_b;     // (B, K, 2) the same places in view B
  torch::Tensor valid;        // (B, K) bool; false where the views share too little to find K places
  torch::Tensor targets;      // (B, K, T) float32: the teacher's descriptors, 0 where it has none; undefined
                              // where the photos have no targets. T is the teacher's descriptor size
  torch::Tensor taught;       // (B, K) bool: which have one
};

// A pure function of (options, photos, step). With on_device (of the same photos) pictures are made and
// searched for peaks there, and the batch's images lie there; their noise is then another.
SuperPointBatch MakeSuperPointBatch(const std::vector<ShardPhoto>& photos, const PhotoSampler& sampler,
                                    const SuperPointDataOptions& options, uint64_t step, double difficulty,
                                    const DevicePhotos* on_device = nullptr);

// Synthetic shapes (synthetic_shapes.h) with their corners as labels: 2 * batch_size pictures of patch_width
// x patch_height, no correspondences. A pure function of (options, step).
SuperPointBatch MakeMagicPointBatch(const SuperPointDataOptions& options, uint64_t step);

}  // namespace colmatch
