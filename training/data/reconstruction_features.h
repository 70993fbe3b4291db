// Features of views of reconstructed scenes: training pairs of real photos with parallax. The ground truth
// comes from the triangulated points of the scene.
#pragma once

#include <string>
#include <vector>

#include "training/data/feature_set.h"
#include "training/data/reconstruction.h"

namespace colmatch {

struct ReconstructionFeatureOptions {
  // Each view is a warp of its photo, as SampleQuadrilateral draws it. views_per_photo is the number of
  // photos in a group; planar scenes are not made.
  FeatureSetOptions views = [] {
    FeatureSetOptions options;
    options.homography.difficulty = 0.3;
    return options;
  }();
  int groups_per_view = 3;     // number of groups that start from each photo
  int min_shared_points = 30;  // triangulated points that each other photo of a group must share with it
  double max_distance_px = 2;  // between a keypoint and the triangulated point that gives its depth
};

// For each photo that shares min_shared_points with another photo, makes groups_per_view groups: the photo
// and views_per_photo - 1 random ones of these other photos (repeated if there are fewer). Only views of the
// same group form pairs. Throws InputError, which names a reconstruction without such photos. Calls
// report(done, total) after each view. The caller must set the provenance.
FeatureSet MakeReconstructionFeatures(const ViewNetwork& network,
                                      const std::vector<Reconstruction>& reconstructions,
                                      const ReconstructionFeatureOptions& options,
                                      const std::function<void(int64_t, int64_t)>& report);

// The geometry of a warped view of a photo.
struct ViewGeometry {
  std::array<double, 12> projection{};  // of the photo
  Homography view_from_photo;
};

// The positions of the keypoints (N, 2) of `from` in each of the T views `to`. `from` sees `points`. A
// keypoint gets the depth of the point that projects nearest to it, within max_distance_px in the view.
// Returns (T, N, 2) float32: NaN if there is no such point, kFarOutsidePx if the keypoint lies behind the
// other view.
torch::Tensor ProjectKeypoints(const torch::Tensor& keypoints, const ViewGeometry& from,
                               const std::vector<ScenePoint3D>& points, const std::vector<ViewGeometry>& to,
                               double max_distance_px);

}  // namespace colmatch
