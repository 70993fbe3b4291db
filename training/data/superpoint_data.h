// Training pairs for SuperPoint: two warps of one photo, the cell labels of both, and corresponding points.
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

// The source of the keypoint labels of a patch.
enum class LabelSource {
  // Peaks of the Hessian's determinant that both views of the pair have at the same place. The detector
  // learns the probability that a peak is repeated, at the scale, noise and blur of its input. Cells that the
  // other view does not show are ignored.
  kRepeatedPeaks,
  kShards,  // the shard's labels, from homographic adaptation (DeTone 2018)
};

struct SuperPointDataOptions {
  LabelSource labels = LabelSource::kRepeatedPeaks;
  double max_peaks_per_cell = 0.3;  // only the strongest of a view; more would coincide by chance
  double repeated_px = 1.5;         // maximum distance between a peak and the other view's peak
  int patch_width = 256;            // pixels, a multiple of 8
  int patch_height = 192;
  int batch_size = 4;             // pairs
  int num_correspondences = 256;  // per pair
  double label_share = 0.7;       // of the correspondences that start from keypoint labels; others are random
  double target_share =
      0.7;  // of the correspondences that start from a teacher's points, if the photo has them
  double min_region = 0.35;  // share of the photo's side that a pair shows: small enough that patches
  double max_region = 0.8;   // keep about the scale at which the labels were found
  HomographyOptions homography{0.5, 45, 1.0, 0.05};
  PhotometricOptions photometric;
  CameraChangeOptions camera;  // after the photometric changes
  uint64_t seed = 0;
};

inline constexpr int64_t kIgnoredCell = -100;  // the default ignore_index of LibTorch's cross-entropy

// B pairs. The images of both views are stacked, first view A of all pairs: 2B images.
struct SuperPointBatch {
  torch::Tensor images;       // (2B, 1, H, W) float32 in [0, 1]
  torch::Tensor cell_labels;  // (2B, H/8, W/8) int64: position 0..63 in the cell, 64 if the cell has no
                              // keypoint, kIgnoredCell if that is not known
  torch::Tensor points_a;     // (B, K, 2) pixels of view A
  torch::Tensor points_b;     // (B, K, 2) the same places in view B
  torch::Tensor valid;        // (B, K) bool; false if the views overlap too little for K points
  torch::Tensor targets;      // (B, K, T) float32: the teacher's descriptors of size T, 0 without one;
                              // undefined if the photos have no targets
  torch::Tensor taught;       // (B, K) bool: whether the point has a teacher's descriptor
};

// A pure function of (options, photos, step). With on_device (made from the same photos), the images are made
// on that device, peaks are searched there, and the batch's images stay there; their noise then differs.
SuperPointBatch MakeSuperPointBatch(const std::vector<ShardPhoto>& photos, const PhotoSampler& sampler,
                                    const SuperPointDataOptions& options, uint64_t step, double difficulty,
                                    const DevicePhotos* on_device = nullptr);

// Synthetic shapes (synthetic_shapes.h) with their corners as labels: 2 * batch_size images of patch_width x
// patch_height, without correspondences. A pure function of (options, step).
SuperPointBatch MakeMagicPointBatch(const SuperPointDataOptions& options, uint64_t step);

}  // namespace colmatch
