// Cached features; see feature_set.h.
#include "training/feature_set.h"

#include <torch/torch.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "training/archive_file.h"
#include "training/feature_provenance.h"
#include "training/split.h"

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

constexpr int64_t kPlaneValues = 13;

// (P, 13) as in FeatureSet::planes.
torch::Tensor AsTensor(const SceneView& view, size_t max_planes) {
  auto tensor = torch::zeros({static_cast<int64_t>(max_planes), kPlaneValues}, torch::kDouble);
  double* row = tensor.data_ptr<double>();
  for (const PlaneInView& plane : view) {
    row = std::copy(plane.view_from_plane.m.begin(), plane.view_from_plane.m.end(), row);
    for (const double value : {plane.x0, plane.y0, plane.x1, plane.y1}) *row++ = value;
  }
  return tensor;
}

// What to look at: the planes of a view and the picture of it.
struct View {
  SceneView planes;
  FloatImage image;
};

View WarpedPhoto(const FloatImage& photo, const FeatureSetOptions& o, Rng& rng) {
  const auto corners = SampleQuadrilateral(photo.width, photo.height, o.homography, rng);
  const Homography photo_from_view =
      HomographyFromCorners(ImageCorners(o.view_width, o.view_height), corners);
  return {{{photo_from_view.Inverse(), 0, 0, photo.width - 1.0, photo.height - 1.0}},
          WarpImage(photo, photo_from_view, o.view_width, o.view_height)};
}

// Collects the features of view after view.
class Extraction {
 public:
  Extraction(SuperPoint& network, const FeatureSetOptions& options)
      : network_(network), o_(options), device_(network->parameters().front().device()) {}

  void Add(View view, Rng& rng) {
    AugmentPhotometric(view.image, o_.photometric, rng);
    const auto image =
        torch::from_blob(view.image.pixels.data(), {1, 1, o_.view_height, o_.view_width}).to(device_);
    const SuperPointOutput output = network_->forward(image);
    const Keypoints found = ExactlyThisMany(image.cpu(), ScoresFromLogits(output.logits)[0].cpu(),
                                            o_.keypoints, o_.num_keypoints, rng);
    const auto sampled =
        SampleDescriptors(found.xy.unsqueeze(0).to(device_), output.descriptors, output.sampling)[0];
    keypoints_.push_back(found.xy);
    scores_.push_back(found.scores);
    descriptors_.push_back(sampled.cpu().to(torch::kHalf));
    planes_.push_back(std::move(view.planes));
  }

  int64_t size() const { return static_cast<int64_t>(keypoints_.size()); }

  FeatureSet Take() {
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

 private:
  SuperPoint& network_;
  const FeatureSetOptions& o_;
  torch::Device device_;
  std::vector<torch::Tensor> keypoints_, scores_, descriptors_;
  std::vector<SceneView> planes_;
};

}  // namespace

SceneView FeatureSet::PlanesOf(int64_t view) const {
  SceneView result;
  const auto rows = planes[view].contiguous();
  for (int64_t i = 0; i < rows.size(0); ++i) {
    const double* row = rows.data_ptr<double>() + i * kPlaneValues;
    if (row[8] == 0 && row[0] == 0 && row[4] == 0) break;  // padding
    PlaneInView plane;
    std::copy(row, row + 9, plane.view_from_plane.m.begin());
    std::tie(plane.x0, plane.y0, plane.x1, plane.y1) = std::tie(row[9], row[10], row[11], row[12]);
    result.push_back(plane);
  }
  return result;
}

GroundTruthMatches MatchViews(const FeatureSet& set, int64_t view0, int64_t view1, int64_t n,
                              const GroundTruthOptions& options) {
  const SceneGeometry geometry0(set.PlanesOf(view0)), geometry1(set.PlanesOf(view1));
  const auto project = [n](const torch::Tensor& keypoints, const SceneGeometry& from,
                           const SceneGeometry& to) {
    constexpr float kHidden = -1e6f;
    const auto xy = keypoints.contiguous();
    auto projected = torch::full({n, 2}, kHidden);
    for (int64_t i = 0; i < n; ++i) {
      const float* p = xy.data_ptr<float>() + 2 * i;
      const ScenePoint point = from.At({p[0], p[1]});
      if (point.plane < 0) continue;
      const Point2 there = to.Project(point);
      if (to.At(there).plane != point.plane) continue;  // hidden by another
      projected.data_ptr<float>()[2 * i] = static_cast<float>(there.x);
      projected.data_ptr<float>()[2 * i + 1] = static_cast<float>(there.y);
    }
    return projected;
  };
  const auto keypoints0 = set.keypoints[view0].narrow(0, 0, n),
             keypoints1 = set.keypoints[view1].narrow(0, 0, n);
  return MatchByProjections(keypoints0, project(keypoints0, geometry0, geometry1), keypoints1,
                            project(keypoints1, geometry1, geometry0), options);
}

FeatureSet MakeFeatureSet(SuperPoint& network, const std::vector<ShardPhoto>& photos,
                          const FeatureSetOptions& o, const std::function<void(int64_t, int64_t)>& report) {
  torch::NoGradGuard no_grad;
  network->eval();
  const auto image_of = [](const ShardPhoto& photo) {
    return GrayFromBytes(photo.pixels.data(), photo.width, photo.height);
  };
  std::vector<const ShardPhoto*> in_scenes;
  for (const int64_t i : SplitPhotos(static_cast<int64_t>(photos.size()), o.validation_share).training)
    in_scenes.push_back(&photos[i]);
  const auto num_scenes =
      static_cast<size_t>(in_scenes.empty() ? 0 : o.scenes_per_photo * static_cast<double>(photos.size()));
  const auto total = static_cast<int64_t>(photos.size() + num_scenes) * o.views_per_photo;
  Extraction extraction(network, o);
  const auto add = [&](View view, Rng& rng) {
    extraction.Add(std::move(view), rng);
    if (report) report(extraction.size(), total);
  };
  for (size_t p = 0; p < photos.size(); ++p) {
    const FloatImage photo = image_of(photos[p]);
    for (int v = 0; v < o.views_per_photo; ++v) {
      Rng rng(o.seed, p, static_cast<uint64_t>(v));
      View view = WarpedPhoto(photo, o, rng);
      add(std::move(view), rng);
    }
  }
  for (size_t s = 0; s < num_scenes; ++s) {
    Rng rng(o.seed, photos.size() + s, static_cast<uint64_t>(o.views_per_photo));
    const PlanarScene scene =
        SampleScene(in_scenes, o.views_per_photo, o.view_width, o.view_height, o.scene, rng);
    std::vector<FloatImage> textures;
    for (const size_t photo : scene.photos) textures.push_back(image_of(*in_scenes[photo]));
    for (const SceneView& planes : scene.views)
      add({planes, RenderView(planes, textures, o.view_width, o.view_height)}, rng);
  }
  FeatureSet set = extraction.Take();
  set.num_scenes = static_cast<int>(num_scenes);
  return set;
}

void SaveFeatureSet(const FeatureSet& set, const std::string& path) {
  torch::serialize::OutputArchive archive;
  archive.write("provenance", c10::IValue(set.provenance));
  archive.write("keypoints", set.keypoints);
  archive.write("scores", set.scores);
  archive.write("descriptors", set.descriptors);
  archive.write("planes", set.planes);
  archive.write("sizes", torch::tensor({set.views_per_group, set.view_width, set.view_height, set.num_scenes},
                                       torch::kLong));
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
                    archive.read("sizes", sizes);
                    RequireProvenance(path, set.provenance, provenance);
                    archive.read("planes", set.planes);
                    set.views_per_group = static_cast<int>(sizes[0].item<int64_t>());
                    set.view_width = static_cast<int>(sizes[1].item<int64_t>());
                    set.view_height = static_cast<int>(sizes[2].item<int64_t>());
                    set.num_scenes = static_cast<int>(sizes[3].item<int64_t>());
                  });
  return set;
}

}  // namespace colmatch
