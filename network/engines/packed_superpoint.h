// SuperPoint's layers with 3 x 3 pixels in bf16 on the CPU, for inference: weights packed once, channels
// last, ReLU and pooling on the way, no allocation once the largest image has been seen.
#pragma once

#include <torch/types.h>

#include <vector>

#include "network/kernels/bf16_convolution.h"
#include "network/superpoint.h"

namespace colmatch {

// Any thread at any time: the packed weights are only read, and the images between layers belong to the
// thread that calls. It starts LibTorch's threads.
class PackedSuperPoint {
 public:
  // The first of one input channel; on the CPU, copied.
  explicit PackedSuperPoint(const std::vector<SuperPointImpl::Convolution>& layers);

  // image (B, 1, H, W) to the last layer's (B, outputs, h, w) float32, channels last.
  torch::Tensor Run(const torch::Tensor& image) const;

 private:
  // The last layer's image, until this thread's next call.
  const Bf16Image& RunLayers(const float* pixels, int64_t height, int64_t width) const;

  struct PackedLayer {
    Bf16Convolution convolution;
    bool pooled;
  };
  std::vector<PackedLayer> layers_;
  int64_t outputs_;
};

}  // namespace colmatch
