// Keypoint labels by homographic adaptation (DeTone 2018, section 5): a detector looks at many random warps
// of a photo; what it finds again and again, at the same place, is a label. The teacher is either the
// classical determinant of the Hessian (Beaudet 1978) or a trained SuperPoint.
#pragma once

#include <functional>
#include <vector>

#include "network/superpoint.h"
#include "training/data/homography.h"
#include "training/data/shards.h"
#include "training/data/warp.h"

namespace colmatch {

// A grey image to its keypoints (x, y to a fraction of a pixel, response) after non-maximum suppression.
using Detector = std::function<std::vector<KeypointLabel>(const FloatImage&)>;

struct PeakOptions {
  int nms_radius = 4;                 // pixels
  int max_peaks = 500;                // the strongest of a view; few, so that a label is strong in every view
  double relative_threshold = 0.002;  // of the strongest response
  double absolute_threshold = 1e-5;   // grey values in [0, 1]; about what noise of a standard deviation of
                                      // 0.03 responds
};

// Peaks of HessianResponse of an image (1, 1, H, W), on any device, to a fraction of a pixel; sorted by
// falling response.
std::vector<KeypointLabel> HessianPeaks(const torch::Tensor& image, const PeakOptions& options);
Detector HessianDetector(const PeakOptions& options);

// A trained network as the teacher of the next round.
Detector SuperPointDetector(SuperPoint network, double keypoint_threshold, int nms_radius, int max_keypoints);

struct AdaptationOptions {
  int num_warps = 12;  // the photo itself is the first
  HomographyOptions homography{0.5, 45, 1.0, 0.05};
  double min_repeatability = 0.5;  // share of the views that see a place and find it
  int nms_radius = 4;
  int max_labels = 800;
};

// Sorted by falling repeatability; places are the sub-pixel means of what the views found.
std::vector<KeypointLabel> AdaptLabels(const FloatImage& photo, const Detector& detector,
                                       const AdaptationOptions& options, Rng& rng);

}  // namespace colmatch
