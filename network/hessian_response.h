// The determinant of the Hessian (Beaudet 1978), which responds to blobs and saddles of an image. Training
// takes its labels from the peaks of the response; feature extraction moves keypoints to the peaks.
//
// Measured on homography pairs (docs/training.md): the 512 strongest peaks are as repeatable as
// minimum-eigenvalue corners, and their mean localization error is 0.73 pixels instead of 0.97.
#pragma once

#include <torch/types.h>

namespace colmatch {

// Maps an image (1, 1, H, W) float32 to |det H| (H, W). Derivatives are second differences of the image,
// smoothed by a Gaussian of 1.5 pixels with repeated borders. The response has a single scale. It is 0 in
// uniform regions and on straight edges.
torch::Tensor HessianResponse(const torch::Tensor& image);

// The response (H, W) where it is the largest of its 3 x 3 window, and 0 elsewhere.
torch::Tensor LocalPeaks(const torch::Tensor& response);

// Refines peaks to subpixel positions: a parabola is fitted to each peak and its neighbours, separately in x
// and in y. A point moves by at most half a pixel. xy (N, 2) are whole pixels, response is (H, W); returns
// (N, 2). Points at the border are not moved.
torch::Tensor RefineToParabola(const torch::Tensor& xy, const torch::Tensor& response);

}  // namespace colmatch
