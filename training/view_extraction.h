// Features of view after view, exactly as many of each, into a feature set.
#pragma once

#include <vector>

#include "network/superpoint.h"
#include "training/feature_set.h"
#include "training/random.h"
#include "training/warp.h"

namespace colmatch {

// What to look at: the planes of a view and the picture of it.
struct TrainingView {
  SceneView planes;
  FloatImage image;
};

// A random warp of a photo; its one plane is the photo.
TrainingView WarpPhoto(const FloatImage& photo, const HomographyOptions& homography, int width, int height,
                       Rng& rng);

class ViewExtraction {
 public:
  // Both must outlive it. Gradients should be off.
  ViewExtraction(SuperPoint& network, const FeatureSetOptions& options);

  // Augments the picture and keeps its features: the detector's keypoints, strongest first, then random
  // places up to options.num_keypoints.
  void Add(TrainingView view, Rng& rng);

  int64_t size() const { return static_cast<int64_t>(keypoints_.size()); }
  const torch::Tensor& keypoints(int64_t view) const { return keypoints_[static_cast<size_t>(view)]; }

  FeatureSet Take();

 private:
  SuperPoint& network_;
  const FeatureSetOptions& o_;
  torch::Device device_;
  std::vector<torch::Tensor> keypoints_, scores_, descriptors_;
  std::vector<SceneView> planes_;
};

}  // namespace colmatch
