// Extraction; see view_extraction.h.
#include "training/data/view_extraction.h"

#include <torch/torch.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "network/image_pyramid.h"

namespace colmatch {
namespace {

Keypoints StrongestFirst(const Keypoints& keypoints) {
  const auto order = keypoints.scores.argsort(0, /*descending=*/true);
  return {keypoints.xy.index_select(0, order), keypoints.scores.index_select(0, order)};
}

// What the network found in one level.
struct DenseLevel {
  PyramidLevel level;
  torch::Tensor scores;  // (H, W)
  SuperPointOutput output;
};

// In the image's pixels, without scales.
Features FeaturesAt(const Keypoints& keypoints, const DenseLevel& dense) {
  const auto xy = keypoints.xy.unsqueeze(0).to(dense.output.descriptors.device());
  const auto descriptors = SampleDescriptors(xy, dense.output.descriptors, dense.output.sampling)[0];
  return {keypoints.xy, keypoints.scores, descriptors.cpu()};
}

Keypoints RandomKeypoints(int64_t count, const torch::Tensor& scores, Rng& rng) {
  auto xy = torch::empty({count, 2});
  for (int64_t i = 0; i < count; ++i) {
    xy[i][0] = static_cast<float>(rng.Below(scores.size(1) - 8) + 4);
    xy[i][1] = static_cast<float>(rng.Below(scores.size(0) - 8) + 4);
  }
  const auto index = xy.to(torch::kLong);
  return {xy, scores.index({index.select(1, 1), index.select(1, 0)})};
}

// Random places of the level at the end where there are fewer than count.
Features FillUp(const Features& features, int count, const DenseLevel& dense, Rng& rng) {
  const int64_t missing = count - features.size();
  if (missing <= 0) return features;
  Features more = FeaturesAt(RandomKeypoints(missing, dense.scores, rng), dense);
  more.keypoints = dense.level.ToOriginal(more.keypoints);
  if (features.scales.defined()) more.scales = torch::full({missing}, dense.level.scale());
  return JoinFeatures({features, more});
}

// (P, 13) as in FeatureSet::planes.
torch::Tensor AsTensor(const SceneView& view, size_t max_planes) {
  auto tensor = torch::zeros({static_cast<int64_t>(max_planes), FeatureSet::kPlaneValues}, torch::kDouble);
  double* row = tensor.data_ptr<double>();
  for (const PlaneInView& plane : view) {
    row = std::copy(plane.view_from_plane.m.begin(), plane.view_from_plane.m.end(), row);
    for (const double value : {plane.x0, plane.y0, plane.x1, plane.y1}) *row++ = value;
  }
  return tensor;
}

}  // namespace

TrainingView WarpPhoto(const FloatImage& photo, const HomographyOptions& homography, int width, int height,
                       Rng& rng) {
  const auto corners = SampleQuadrilateral(photo.width, photo.height, homography, rng);
  const Homography photo_from_view = HomographyFromCorners(ImageCorners(width, height), corners);
  return {{{photo_from_view.Inverse(), 0, 0, photo.width - 1.0, photo.height - 1.0}},
          WarpImage(photo, photo_from_view, width, height)};
}

ExtractedView ExtractView(const ViewNetwork& network, const FeatureSetOptions& o, TrainingView view,
                          Rng& rng) {
  torch::NoGradGuard no_grad;  // a thread's own
  AugmentPhotometric(view.image, o.photometric, rng);
  const auto image = torch::from_blob(view.image.pixels.data(), {1, 1, o.view_height, o.view_width});
  KeypointOptions options = ResolveOptions(o.keypoints, network.architecture);
  options.max_num_features = o.num_keypoints;
  // Pooled below, when the random places are there too.
  const bool pools = PoolsDescriptors(options);
  options.pooled_descriptors = false;
  std::optional<DenseLevel> first;
  std::vector<std::pair<PyramidLevel, DenseDescriptors>> levels;
  Features found =
      ExtractFromPyramid(image, options, [&](const PyramidLevel& level, const KeypointOptions& own) {
        const SuperPointOutput output = network.dense(level.image.to(network.device));
        const DenseLevel dense{level, ScoresFromLogits(output.logits)[0].cpu(), output};
        if (!first) first = dense;
        if (pools) levels.emplace_back(level, DenseDescriptors{output.descriptors, output.sampling});
        return FeaturesAt(StrongestFirst(DetectKeypoints(level.image, dense.scores, own)), dense);
      });
  found = FillUp(found, o.num_keypoints, *first, rng);
  if (pools) found.descriptors = PooledDescriptors(levels, found.keypoints);
  return {found.keypoints, found.scores, found.descriptors.to(torch::kHalf), found.scales,
          std::move(view.planes)};
}

void KeepViews(const std::vector<ExtractedView>& views, std::vector<ExtractedView>& kept) {
  for (const ExtractedView& view : views) {
    kept.push_back({view.keypoints.clone(), view.scores.clone(), view.descriptors.clone(),
                    view.scales.defined() ? view.scales.clone() : torch::Tensor(), view.planes});
  }
}

FeatureSet FeatureSetOf(const std::vector<ExtractedView>& views, const FeatureSetOptions& o) {
  size_t max_planes = 1;
  for (const ExtractedView& view : views) max_planes = std::max(max_planes, view.planes.size());
  std::vector<torch::Tensor> keypoints, scores, descriptors, scales, planes;
  for (const ExtractedView& view : views) {
    keypoints.push_back(view.keypoints);
    scores.push_back(view.scores);
    descriptors.push_back(view.descriptors);
    if (view.scales.defined()) scales.push_back(view.scales);
    planes.push_back(AsTensor(view.planes, max_planes));
  }
  FeatureSet set;
  set.keypoints = torch::stack(keypoints);
  set.scores = torch::stack(scores);
  set.descriptors = torch::stack(descriptors);
  if (!scales.empty()) set.scales = torch::stack(scales);
  set.planes = torch::stack(planes);
  set.views_per_group = o.views_per_photo;
  set.view_width = o.view_width;
  set.view_height = o.view_height;
  return set;
}

}  // namespace colmatch
