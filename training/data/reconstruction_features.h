// Features of reconstructed scenes' views: training pairs of real photos with parallax, whose ground truth is
// the scene's triangulated points.
#pragma once

#include <string>
#include <vector>

#include "training/data/feature_set.h"
#include "training/data/reconstruction.h"

namespace colmatch {

struct ReconstructionFeatureOptions {
  // Of a view: each is a warp of its photo, as SampleQuadrilateral draws it. views_per_photo is the number of
  // photos of a group; scenes are not made.
  FeatureSetOptions views = [] {
    FeatureSetOptions options;
    options.homography.difficulty = 0.3;
    return options;
  }();
  int groups_per_view = 3;     // each photo starts so many groups
  int min_shared_points = 30;  // triangulated points that each other photo of its groups shares with it
  double max_distance_px = 2;  // of the triangulated point whose depth a keypoint has
};

// For each photo that shares min_shared_points with another, groups_per_view groups: the photo and
// views_per_photo - 1 of those others at random (again and again where they are fewer). Only the views of one
// group are pairs. Throws InputError naming a reconstruction without such photos. report(done, total) after
// each view. The provenance is the caller's to fill in.
FeatureSet MakeReconstructionFeatures(const ViewNetwork& network,
                                      const std::vector<Reconstruction>& reconstructions,
                                      const ReconstructionFeatureOptions& options,
                                      const std::function<void(int64_t, int64_t)>& report);

// A photo as a warped view: the geometry of its keypoints.
struct ViewGeometry {
  std::array<double, 12> projection{};  // of the photo
  Homography view_from_photo;
};

// Where each of T views `to` shows the keypoints (N, 2) of `from`, which sees `points`: the keypoint's ray at
// the depth of the point that projects nearest to it, within max_distance_px of the view. (T, N, 2) float32:
// NaN where there is no such point, kFarOutsidePx where it lies behind the view.
torch::Tensor ProjectKeypoints(const torch::Tensor& keypoints, const ViewGeometry& from,
                               const std::vector<ScenePoint3D>& points, const std::vector<ViewGeometry>& to,
                               double max_distance_px);

}  // namespace colmatch
