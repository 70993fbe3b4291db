// Features of views, exactly as many of each, for a feature set.
#pragma once

#include <vector>

#include "network/superpoint.h"
#include "training/data/feature_set.h"
#include "training/data/warp.h"
#include "util/random.h"

namespace colmatch {

// A view to extract features from: its picture, and the planes that it shows.
struct TrainingView {
  SceneView planes;
  FloatImage image;
};

// A random warp of a photo; its one plane is the photo.
TrainingView WarpPhoto(const FloatImage& photo, const HomographyOptions& homography, int width, int height,
                       Rng& rng);

// Its features, exactly options.num_keypoints.
struct ExtractedView {
  torch::Tensor keypoints;    // (N, 2) float32 pixels
  torch::Tensor scores;       // (N)
  torch::Tensor descriptors;  // (D, N) float16
  torch::Tensor scales;       // (N) as in Features, or undefined
  SceneView planes;
};

// Augments the picture and takes its features: the detector's keypoints, strongest first, then random places.
// Several threads may share the network.
ExtractedView ExtractView(const ViewNetwork& network, const FeatureSetOptions& options, TrainingView view,
                          Rng& rng);

// Appends views that another thread made. They are copied: a few tensors kept on the heap of every thread
// that ever made one would keep all that its networks took (0.9 MB a view were seen instead of 0.14).
void KeepViews(const std::vector<ExtractedView>& views, std::vector<ExtractedView>& kept);

// In their order; options.views_per_photo a group.
FeatureSet FeatureSetOf(const std::vector<ExtractedView>& views, const FeatureSetOptions& options);

}  // namespace colmatch
