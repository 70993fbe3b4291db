// Warps and photometric augmentation where the network is: a GPU makes its own training pictures from photos
// that were sent to it once. On the CPU training/data/warp.h and photometric.h do the same, faster.
#pragma once

#include <torch/types.h>

#include <vector>

#include "training/data/homography.h"
#include "training/data/photometric.h"
#include "training/data/shards.h"
#include "util/random.h"

namespace colmatch {

// Grey photos as bytes on a device.
class DevicePhotos {
 public:
  DevicePhotos(const std::vector<ShardPhoto>& photos, const torch::Device& device);

  // One view of a photo, (1, 1, height, width) float32 in [0, 1]: what WarpImage gives, within rounding.
  torch::Tensor Warp(size_t photo, const Homography& photo_from_view, int width, int height) const;

 private:
  std::vector<torch::Tensor> photos_;  // (1, 1, h, w) uint8
};

// What AugmentPhotometric does to one picture (1, 1, H, W), from the same draws of rng; only the noise comes
// from LibTorch's generator of the device, seeded by rng.
torch::Tensor AugmentOnDevice(const torch::Tensor& image, const PhotometricOptions& options, Rng& rng);

}  // namespace colmatch
