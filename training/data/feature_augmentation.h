// Augmentation of cached features, so that their views are not memorised.
#pragma once

#include <torch/types.h>

#include "util/random.h"

namespace colmatch {

// Points (N, 2) in NormalizeKeypoints' frame by a random affine map: at strength 1 rotation to 11 degrees,
// scales to 1.22, shear and shift to a tenth; 0: as they are.
torch::Tensor DisplaceKeypoints(const torch::Tensor& points, double strength, Rng& rng);

// A rotation (dim, dim): the exponential of a random antisymmetric matrix, which turns every plane by at most
// about `angle` radians.
torch::Tensor RandomRotation(int64_t dim, double angle, Rng& rng);

// What a batch does to the descriptors of both its sides. Cosines stay, but for the noise.
struct DescriptorAugmentation {
  torch::Tensor rotation;  // (D, D), or undefined
  double noise = 0;        // length of the random vector that is added to each

  // Unit columns (D, N) float32 to unit columns.
  torch::Tensor Apply(const torch::Tensor& descriptors, Rng& rng) const;
};

}  // namespace colmatch
