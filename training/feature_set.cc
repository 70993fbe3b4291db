// Cached features; see feature_set.h.
#include "training/feature_set.h"

#include <torch/torch.h>

#include <algorithm>

#include "training/archive_file.h"
#include "training/feature_provenance.h"

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

torch::Tensor AsTensor(const Homography& h) {
  return torch::tensor(std::vector<double>(h.m.begin(), h.m.end()), torch::kDouble);
}

}  // namespace

Homography FeatureSet::PhotoFromView(int64_t view) const {
  Homography h;
  const double* row = photo_from_view.data_ptr<double>() + 9 * view;
  std::copy(row, row + 9, h.m.begin());
  return h;
}

FeatureSet MakeFeatureSet(SuperPoint& network, const std::vector<ShardPhoto>& photos,
                          const FeatureSetOptions& o, const std::function<void(int64_t, int64_t)>& report) {
  torch::NoGradGuard no_grad;
  network->eval();
  const auto device = network->parameters().front().device();
  std::vector<torch::Tensor> keypoints, scores, descriptors, homographies;
  const auto total = static_cast<int64_t>(photos.size()) * o.views_per_photo;
  for (size_t p = 0; p < photos.size(); ++p) {
    const FloatImage photo = GrayFromBytes(photos[p].pixels.data(), photos[p].width, photos[p].height);
    for (int v = 0; v < o.views_per_photo; ++v) {
      Rng rng(o.seed, p, static_cast<uint64_t>(v));
      const auto corners = SampleQuadrilateral(photo.width, photo.height, o.homography, rng);
      const Homography photo_from_view =
          HomographyFromCorners(ImageCorners(o.view_width, o.view_height), corners);
      FloatImage view = WarpImage(photo, photo_from_view, o.view_width, o.view_height);
      AugmentPhotometric(view, o.photometric, rng);
      const auto image = torch::from_blob(view.pixels.data(), {1, 1, o.view_height, o.view_width}).to(device);
      const SuperPointOutput output = network->forward(image);
      const Keypoints found = ExactlyThisMany(image.cpu(), ScoresFromLogits(output.logits)[0].cpu(),
                                              o.keypoints, o.num_keypoints, rng);
      const auto sampled =
          SampleDescriptors(found.xy.unsqueeze(0).to(device), output.descriptors, output.sampling)[0];
      keypoints.push_back(found.xy);
      scores.push_back(found.scores);
      descriptors.push_back(sampled.cpu().to(torch::kHalf));
      homographies.push_back(AsTensor(photo_from_view));
      if (report) report(static_cast<int64_t>(keypoints.size()), total);
    }
  }
  return {torch::stack(keypoints),
          torch::stack(scores),
          torch::stack(descriptors),
          torch::stack(homographies),
          o.views_per_photo,
          o.view_width,
          o.view_height,
          ""};
}

void SaveFeatureSet(const FeatureSet& set, const std::string& path) {
  torch::serialize::OutputArchive archive;
  archive.write("provenance", c10::IValue(set.provenance));
  archive.write("keypoints", set.keypoints);
  archive.write("scores", set.scores);
  archive.write("descriptors", set.descriptors);
  archive.write("photo_from_view", set.photo_from_view);
  archive.write("sizes", torch::tensor({set.views_per_photo, set.view_width, set.view_height}, torch::kLong));
  WriteArchiveFile(path, archive);
}

FeatureSet LoadFeatureSet(const std::string& path, const std::string& provenance) {
  FeatureSet set;
  ReadArchiveFile(path, "a feature set", "delete it, and colmatch train superglue makes it again",
                  [&](torch::serialize::InputArchive& archive) {
                    c10::IValue found;  // files of old have none, which is refused below
                    if (archive.try_read("provenance", found)) set.provenance = found.toStringRef();
                    torch::Tensor sizes;
                    archive.read("keypoints", set.keypoints);
                    archive.read("scores", set.scores);
                    archive.read("descriptors", set.descriptors);
                    archive.read("photo_from_view", set.photo_from_view);
                    archive.read("sizes", sizes);
                    set.views_per_photo = static_cast<int>(sizes[0].item<int64_t>());
                    set.view_width = static_cast<int>(sizes[1].item<int64_t>());
                    set.view_height = static_cast<int>(sizes[2].item<int64_t>());
                  });
  RequireProvenance(path, set.provenance, provenance);
  return set;
}

}  // namespace colmatch
