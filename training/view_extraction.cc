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

ViewExtraction::ViewExtraction(SuperPoint& network, const FeatureSetOptions& options)
    : network_(network), o_(options), device_(network->parameters().front().device()) {
  network_->eval();
}

void ViewExtraction::Add(TrainingView view, Rng& rng) {
  AugmentPhotometric(view.image, o_.photometric, rng);
  const auto image =
      torch::from_blob(view.image.pixels.data(), {1, 1, o_.view_height, o_.view_width}).to(device_);
  const SuperPointOutput output = network_->forward(image);
  const Keypoints found = ExactlyThisMany(image.cpu(), ScoresFromLogits(output.logits)[0].cpu(), o_.keypoints,
                                          o_.num_keypoints, rng);
  const auto sampled =
      SampleDescriptors(found.xy.unsqueeze(0).to(device_), output.descriptors, output.sampling)[0];
  keypoints_.push_back(found.xy);
  scores_.push_back(found.scores);
  descriptors_.push_back(sampled.cpu().to(torch::kHalf));
  planes_.push_back(std::move(view.planes));
}

FeatureSet ViewExtraction::Take() {
  size_t max_planes = 1;
  for (const SceneView& view : planes_) max_planes = std::max(max_planes, view.size());
  std::vector<torch::Tensor> planes;
  for (const SceneView& view : planes_) planes.push_back(AsTensor(view, max_planes));
  FeatureSet set;
  set.keypoints = torch::stack(keypoints_);
  set.scores = torch::stack(scores_);
  set.descriptors = torch::stack(descriptors_);
  set.planes = torch::stack(planes);
  set.views_per_group = o_.views_per_photo;
  set.view_width = o_.view_width;
  set.view_height = o_.view_height;
  return set;
}

}  // namespace colmatch
