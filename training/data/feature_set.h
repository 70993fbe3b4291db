// Features of many views of the training photos, computed once by a frozen SuperPoint. Any two views of a
// photo, or of a scene made of photos, are a training pair for SuperGlue with known ground truth.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "network/keypoints.h"
#include "training/data/ground_truth.h"
#include "training/data/homography.h"
#include "training/data/photometric.h"
#include "training/data/planar_scene.h"
#include "training/data/shards.h"

namespace colmatch {

struct FeatureSetOptions {
  int views_per_photo = 4;
  int view_width = 640;  // pixels
  int view_height = 480;
  int num_keypoints = 512;  // exactly; random positions are added if the detector finds fewer
  KeypointOptions keypoints;
  HomographyOptions homography{0.7, 45, 1.0, 0.05};
  PhotometricOptions photometric;
  double scenes_per_photo = 0.5;  // planar scenes (parallax, occlusion), in addition to the photos' warps
  PlanarSceneOptions scene;
  double validation_share = 0;  // of the photos, held out from training and not used in scenes
  uint64_t seed = 0;
  int num_workers = 1;  // groups whose views are made in parallel; does not change the features
};

// V views with N keypoints each: first the views of each photo, then those of each planar scene, then those
// of reconstructions.
struct FeatureSet {
  static constexpr int64_t kPlaneValues = 13;

  torch::Tensor keypoints;    // (V, N, 2) float32 pixels of the view
  torch::Tensor scores;       // (V, N)
  torch::Tensor descriptors;  // (V, D, N) float16
  torch::Tensor scales;       // (V, N) as in Features; undefined where all are 1
  // (V, P, 13) float64: for each plane view_from_plane row-major, x0, y0, x1, y1 (PlaneInView); zeros if a
  // view has fewer planes than P.
  torch::Tensor planes;
  // The next two describe the last G groups, which show reconstructed scenes (reconstruction.h); undefined if
  // there are none.
  // projections[g][a][b] are the positions in view b of the keypoints of view a of group g; NaN: not known.
  torch::Tensor projections;      // (G, V', V', N, 2) float32
  torch::Tensor reconstructions;  // (G) int64: index of the scene
  int views_per_group = 0;        // V'; view v shows photo or scene v / views_per_group
  int num_scenes = 0;
  int view_width = 0, view_height = 0;
  std::string provenance;  // feature_provenance.h

  int64_t num_groups() const { return keypoints.size(0) / views_per_group; }
  int64_t num_reconstructed() const { return projections.defined() ? projections.size(0) : 0; }
  int64_t first_reconstructed() const { return num_groups() - num_reconstructed(); }
  int64_t num_photos() const { return first_reconstructed() - num_scenes; }
  SceneView PlanesOf(int64_t view) const;
  int64_t ReconstructedGroup(int64_t view) const;  // index into projections; negative: a warp or planar scene
  // Whether two groups may show the same objects. Then it is unknown which keypoints have no match.
  bool MayShow(int64_t group0, int64_t group1) const;
};

// The correspondences between the first n keypoints of two views of one group.
GroundTruthMatches MatchViews(const FeatureSet& set, int64_t view0, int64_t view1, int64_t n,
                              const GroundTruthOptions& options);

// The SuperPoint that extracts the features, and its device.
struct ViewNetwork {
  // The module itself. It stays on its device and is set to evaluation mode.
  ViewNetwork(SuperPoint module);  // NOLINT(google-explicit-constructor): a SuperPoint is one
  // An engine for inference, such as MakeSuperPointEngine returns.
  ViewNetwork(DenseNetwork form, const SuperPointArchitecture& architecture, torch::Device device);

  DenseNetwork dense;
  SuperPointArchitecture architecture;
  torch::Device device;
};

// report(done, total) is called after each group with the number of views. The caller must set the
// provenance.
FeatureSet MakeFeatureSet(const ViewNetwork& network, const std::vector<ShardPhoto>& photos,
                          const FeatureSetOptions& options,
                          const std::function<void(int64_t, int64_t)>& report);

// Concatenates warps and planar scenes with views of reconstructions. Both must come from the same
// SuperPoint. Throws UsageError if their sizes differ. The provenance is that of the warps.
FeatureSet Joined(const FeatureSet& warps, const FeatureSet& views);

// Writes a file with a checksum (archive_file.h). Throws EnvironmentError.
void SaveFeatureSet(const FeatureSet& set, const std::string& path);

// Throws EnvironmentError for a missing or damaged file, and UsageError if the provenance of its features is
// not the given one.
FeatureSet LoadFeatureSet(const std::string& path, const std::string& provenance);

}  // namespace colmatch
