// What the networks cost; what the machine can give is in engines/matrix_product_rate.h.
// A multiplication and an addition are two operations. Counted are matrix products and convolutions; softmax,
// normalisation and Sinkhorn are not, as in the literature.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "network/superglue.h"
#include "network/superpoint.h"

namespace colmatch {

// Floating-point operations of one forward pass: an image of height x width pixels, a pair of n and m
// keypoints. A training step (forward and backward) takes three times as many.
double SuperPointFlops(const SuperPointArchitecture& architecture, int64_t height, int64_t width);
// Of an image processed at all the sizes the weights specify.
double ExtractionFlops(const SuperPointArchitecture& architecture, int64_t height, int64_t width);
double SuperGlueFlops(const SuperGlueArchitecture& architecture, int64_t n, int64_t m);

inline constexpr double kTrainingPasses = 3;

}  // namespace colmatch
