// SuperPoint's 3 x 3 convolutions in bf16 on the CPU, for inference. Weights are packed once; the layout is
// channels-last; ReLU and pooling are fused. No memory is allocated once the largest image has been
// processed.
#pragma once

#include <torch/types.h>

#include <vector>

#include "network/kernels/bf16_convolution.h"
#include "network/superpoint.h"

namespace colmatch {

// Thread-safe: the packed weights are only read, and each calling thread has its own buffers between layers.
// Uses LibTorch's threads.
class PackedSuperPoint {
 public:
  // Copies the layers, which must be on the CPU. The first one must have one input channel.
  explicit PackedSuperPoint(const std::vector<SuperPointImpl::Convolution>& layers);

  // Maps image (B, 1, H, W) to the last layer's output (B, outputs, h, w) float32, channels-last.
  torch::Tensor Run(const torch::Tensor& image) const;

 private:
  // The last layer's output, valid until this thread's next call.
  const Bf16Image& RunLayers(const float* pixels, int64_t height, int64_t width) const;

  struct PackedLayer {
    Bf16Convolution convolution;
    bool pooled;
  };
  std::vector<PackedLayer> layers_;
  int64_t outputs_;
};

}  // namespace colmatch
