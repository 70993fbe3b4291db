// The corner measure of Shi and Tomasi ("Good Features to Track", 1994): eigenvalues of the second-moment
// matrix of the grey gradients. Training takes its labels from it; feature extraction moves keypoints to its
// peaks.
#pragma once

#include <torch/types.h>

namespace colmatch {

struct CornerResponse {
  torch::Tensor smaller,
      larger;  // (H, W); where the smaller is small too, the pixel lies on an edge or on nothing
};

// image (1, 1, H, W) float32; gradients by central differences of the slightly smoothed image, averaged over
// a Gaussian window of 5 pixels.
CornerResponse ComputeCornerResponse(const torch::Tensor& image);

// The top of the parabola through each peak and its neighbours, in x and in y apart, at most half a pixel
// away. xy (N, 2) whole pixels, response (H, W); returns (N, 2). A place at the border stays.
torch::Tensor RefineToParabola(const torch::Tensor& xy, const torch::Tensor& response);

}  // namespace colmatch
