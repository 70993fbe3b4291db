// Extraction; see view_extraction.h.
#include "training/view_extraction.h"

#include <torch/torch.h>

#include <algorithm>
#include <utility>

namespace colmatch {
namespace {

// The detector's keypoints, strongest first, then random places up to exactly count.
Keypoints ExactlyThisMany(const torch::Tensor& image, const torch::Tensor& scores, KeypointOptions options,
                          int count, Rng& rng) {
  options.max_num_features = count;
  Keypoints found = DetectKeypoints(image, scores, options);
  const auto order = found.scores.argsort(0, /*descending=*/true);
  found.xy = found.xy.index_select(0, order);
  found.scores = found.scores.index_select(0, order);
  const int64_t missing = count - found.xy.size(0);
  if (missing <= 0) return found;
  auto xy = torch::empty({missing, 2});
  for (int64_t i = 0; i < missing; ++i) {
    xy[i][0] = static_cast<float>(rng.Below(scores.size(1) - 8) + 4);
    xy[i][1] = static_cast<float>(rng.Below(scores.size(0) - 8) + 4);
  }
  const auto index = xy.to(torch::kLong);
  found.xy = torch::cat({found.xy, xy});
  found.scores = torch::cat({found.scores, scores.index({index.select(1, 1), index.select(1, 0)})});
  return found;
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

ExtractedView ExtractView(SuperPoint& network, const FeatureSetOptions& o, TrainingView view, Rng& rng) {
  torch::NoGradGuard no_grad;  // a thread's own
  const torch::Device device = network->parameters().front().device();
  AugmentPhotometric(view.image, o.photometric, rng);
  const auto image = torch::from_blob(view.image.pixels.data(), {1, 1, o.view_height, o.view_width});
  const SuperPointOutput output = network->forward(image.to(device));
  const Keypoints found =
      ExactlyThisMany(image, ScoresFromLogits(output.logits)[0].cpu(), o.keypoints, o.num_keypoints, rng);
  const auto sampled =
      SampleDescriptors(found.xy.unsqueeze(0).to(device), output.descriptors, output.sampling)[0];
  return {found.xy, found.scores, sampled.cpu().to(torch::kHalf), std::move(view.planes)};
}

FeatureSet FeatureSetOf(const std::vector<ExtractedView>& views, const FeatureSetOptions& o) {
  size_t max_planes = 1;
  for (const ExtractedView& view : views) max_planes = std::max(max_planes, view.planes.size());
  std::vector<torch::Tensor> keypoints, scores, descriptors, planes;
  for (const ExtractedView& view : views) {
    keypoints.push_back(view.keypoints);
    scores.push_back(view.scores);
    descriptors.push_back(view.descriptors);
    planes.push_back(AsTensor(view.planes, max_planes));
  }
  FeatureSet set;
  set.keypoints = torch::stack(keypoints);
  set.scores = torch::stack(scores);
  set.descriptors = torch::stack(descriptors);
  set.planes = torch::stack(planes);
  set.views_per_group = o.views_per_photo;
  set.view_width = o.view_width;
  set.view_height = o.view_height;
  return set;
}

}  // namespace colmatch
