// Networks of one family that differ in depth, width or batch normalisation have parameters in common.
#pragma once

#include <torch/nn.h>
#include <torch/utils.h>

namespace colmatch {

// Parameters and buffers that both have by name, of equal shape, and whether the network trains.
inline void CopySharedParameters(const torch::nn::Module& from, torch::nn::Module& to) {
  torch::NoGradGuard no_grad;
  const auto parameters = from.named_parameters();
  const auto buffers = from.named_buffers();
  for (auto& item : to.named_parameters()) {
    if (const torch::Tensor* value = parameters.find(item.key())) item.value().copy_(*value);
  }
  for (auto& item : to.named_buffers()) {
    if (const torch::Tensor* value = buffers.find(item.key())) item.value().copy_(*value);
  }
  to.train(from.is_training());
}

}  // namespace colmatch
