// Arrays to tensors; see tensors.h.
#include "python/native/tensors.h"

#include <torch/torch.h>

#include <vector>

namespace colmatch {
namespace {

torch::Tensor ToTensor(const std::vector<float>& values, at::IntArrayRef sizes) {
  return torch::from_blob(const_cast<float*>(values.data()), sizes, torch::kFloat32).clone();
}

}  // namespace

Features ToFeatures(const FeatureArrays& arrays) {
  const int64_t n = arrays.num_keypoints;
  Features features;
  features.keypoints = ToTensor(arrays.keypoints, {n, 2});
  features.scores = ToTensor(arrays.scores, {n});
  features.descriptors = ToTensor(arrays.descriptors, {n, arrays.descriptor_dim}).t().contiguous();
  features.width = arrays.width;
  features.height = arrays.height;
  if (!arrays.scales.empty()) features.scales = ToTensor(arrays.scales, {n});
  return features;
}

}  // namespace colmatch
