// Features of no image.
#pragma once

#include <torch/torch.h>

#include "network/features.h"

namespace colmatch {

// n keypoints in 160 x 120 pixels with unit descriptors of d channels.
inline Features RandomFeatures(int64_t n, int64_t d) {
  const auto descriptors = torch::randn({d, n});
  return {torch::rand({n, 2}) * torch::tensor({160.f, 120.f}), torch::rand({n}),
          descriptors / descriptors.norm(2, 0, /*keepdim=*/true), 160, 120};
}

// The same keypoints in another order, their descriptors with so much noise.
inline Features Shuffled(const Features& features, double noise) {
  const auto order = torch::randperm(features.size());
  const auto noisy =
      features.descriptors.index_select(1, order) + noise * torch::randn_like(features.descriptors);
  return {features.keypoints.index_select(0, order), features.scores.index_select(0, order),
          noisy / noisy.norm(2, 0, /*keepdim=*/true), features.width, features.height};
}

}  // namespace colmatch
