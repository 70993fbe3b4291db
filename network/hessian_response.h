// Where an image has a blob or a saddle: the determinant of its second derivatives (Beaudet 1978). Training
// takes its labels from the peaks; feature extraction moves keypoints to them.
//
// Measured on homography pairs (docs/training.md): of the 512 strongest peaks as many are found again as of
// minimum-eigenvalue corners, but 0.73 pixels from their place in the mean instead of 0.97.
#pragma once

#include <torch/types.h>

namespace colmatch {

// image (1, 1, H, W) float32 to |det H| (H, W): second differences of the image smoothed by a Gaussian of 1.5
// pixels, borders repeated. Of one scale; 0 on flat places and straight edges.
torch::Tensor HessianResponse(const torch::Tensor& image);

// response (H, W) where it is the largest of its 3 x 3 window, 0 elsewhere.
torch::Tensor LocalPeaks(const torch::Tensor& response);

// The top of the parabola through each peak and its neighbours, in x and in y apart, at most half a pixel
// away. xy (N, 2) whole pixels, response (H, W); returns (N, 2). A place at the border stays.
torch::Tensor RefineToParabola(const torch::Tensor& xy, const torch::Tensor& response);

}  // namespace colmatch
