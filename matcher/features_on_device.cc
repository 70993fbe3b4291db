// Moving features; see features_on_device.h.
#include "matcher/features_on_device.h"

#include <torch/torch.h>

namespace colmatch {

Features ToDevice(const Features& features, const torch::Device& device) {
  Features moved = features;
  moved.keypoints = features.keypoints.to(device);
  moved.scores = features.scores.to(device);
  moved.descriptors = features.descriptors.to(device);
  if (features.scales.defined()) moved.scales = features.scales.to(device);
  return moved;
}

FeatureMatches OnCpu(const FeatureMatches& matches) {
  return {matches.matches0.cpu(), matches.matches1.cpu(), matches.matching_scores0.cpu(),
          matches.matching_scores1.cpu()};
}

}  // namespace colmatch
