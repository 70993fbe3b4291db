// Cached features; see feature_set.h.
#include "training/data/feature_set.h"

#include <torch/torch.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "network/features.h"
#include "training/data/archive_file.h"
#include "training/data/feature_provenance.h"
#include "training/data/prefetch.h"
#include "training/data/split.h"
#include "training/data/view_extraction.h"
#include "util/error.h"

namespace colmatch {
namespace {

KeypointScales ScalesOf(const FeatureSet& set, int64_t view0, int64_t view1, int64_t n) {
  if (!set.scales.defined()) return {};
  return {set.scales[view0].narrow(0, 0, n), set.scales[view1].narrow(0, 0, n)};
}

// A keypoint whose depth is not known is ignored, unless it matches.
GroundTruthMatches MatchReconstructed(const FeatureSet& set, int64_t view0, int64_t view1, int64_t n,
                                      const GroundTruthOptions& options) {
  const auto there = set.projections[set.ReconstructedGroup(view0)];
  const int64_t a = view0 % set.views_per_group, b = view1 % set.views_per_group;
  const auto there0 = there[a][b].narrow(0, 0, n), there1 = there[b][a].narrow(0, 0, n);
  auto labels = MatchByProjections(set.keypoints[view0].narrow(0, 0, n), there0.nan_to_num(kFarOutsidePx),
                                   set.keypoints[view1].narrow(0, 0, n), there1.nan_to_num(kFarOutsidePx),
                                   options, ScalesOf(set, view0, view1, n));
  const auto ignore = [](torch::Tensor& matches, const torch::Tensor& there) {
    matches.masked_fill_(torch::isnan(there.select(1, 0)) & (matches == kUnmatched), kIgnored);
  };
  ignore(labels.matches0, there0);
  ignore(labels.matches1, there1);
  return labels;
}

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

int64_t FeatureSet::ReconstructedGroup(int64_t view) const {
  return view / views_per_group - first_reconstructed();
}

bool FeatureSet::MayShow(int64_t group0, int64_t group1) const {
  const int64_t first = first_reconstructed();
  if (group0 == group1) return true;
  if (group0 < first || group1 < first) return false;
  return reconstructions[group0 - first].item<int64_t>() == reconstructions[group1 - first].item<int64_t>();
}

FeatureSet Joined(const FeatureSet& warps, const FeatureSet& views) {
  if (warps.views_per_group != views.views_per_group || warps.keypoints.size(1) != views.keypoints.size(1) ||
      warps.view_width != views.view_width || warps.view_height != views.view_height ||
      warps.scales.defined() != views.scales.defined()) {
    throw UsageError(
        "train superglue: the features of warps and those of reconstructions differ in views a group, "
        "keypoints, scales or size");
  }
  FeatureSet both = warps;
  both.keypoints = torch::cat({warps.keypoints, views.keypoints});
  both.scores = torch::cat({warps.scores, views.scores});
  both.descriptors = torch::cat({warps.descriptors, views.descriptors});
  if (warps.scales.defined()) both.scales = torch::cat({warps.scales, views.scales});
  const int64_t num_planes = std::max(warps.planes.size(1), views.planes.size(1));
  const auto padded = [num_planes](const torch::Tensor& planes) {
    return torch::constant_pad_nd(planes, {0, 0, 0, num_planes - planes.size(1)});
  };
  both.planes = torch::cat({padded(warps.planes), padded(views.planes)});
  both.projections = views.projections;
  both.reconstructions = views.reconstructions;
  return both;
}

GroundTruthMatches MatchViews(const FeatureSet& set, int64_t view0, int64_t view1, int64_t n,
                              const GroundTruthOptions& options) {
  if (set.ReconstructedGroup(view0) >= 0) return MatchReconstructed(set, view0, view1, n, options);
  const SceneGeometry geometry0(set.PlanesOf(view0)), geometry1(set.PlanesOf(view1));
  const auto project = [n](const torch::Tensor& keypoints, const SceneGeometry& from,
                           const SceneGeometry& to) {
    const auto xy = keypoints.contiguous();
    auto projected = torch::full({n, 2}, kFarOutsidePx);
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
                            project(keypoints1, geometry1, geometry0), options,
                            ScalesOf(set, view0, view1, n));
}

ViewNetwork::ViewNetwork(SuperPoint module)
    : dense(module), architecture(module->architecture()), device(module->parameters().front().device()) {
  module->eval();
}

ViewNetwork::ViewNetwork(DenseNetwork form, const SuperPointArchitecture& architecture, torch::Device device)
    : dense(std::move(form)), architecture(architecture), device(device) {}

FeatureSet MakeFeatureSet(const ViewNetwork& network, const std::vector<ShardPhoto>& photos,
                          const FeatureSetOptions& o, const std::function<void(int64_t, int64_t)>& report) {
  const auto image_of = [](const ShardPhoto& photo) {
    return GrayFromBytes(photo.pixels.data(), photo.width, photo.height);
  };
  std::vector<const ShardPhoto*> in_scenes;
  for (const int64_t i : SplitPhotos(static_cast<int64_t>(photos.size()), o.validation_share).training)
    in_scenes.push_back(&photos[i]);
  const auto num_scenes =
      static_cast<size_t>(in_scenes.empty() ? 0 : o.scenes_per_photo * static_cast<double>(photos.size()));
  const auto warps_of = [&](size_t p) {
    const FloatImage photo = image_of(photos[p]);
    std::vector<ExtractedView> views;
    for (int v = 0; v < o.views_per_photo; ++v) {
      Rng rng(o.seed, p, static_cast<uint64_t>(v));
      TrainingView view = WarpPhoto(photo, o.homography, o.view_width, o.view_height, rng);
      views.push_back(ExtractView(network, o, std::move(view), rng));
    }
    return views;
  };
  const auto views_of_scene = [&](size_t s) {
    Rng rng(o.seed, photos.size() + s, static_cast<uint64_t>(o.views_per_photo));
    const PlanarScene scene =
        SampleScene(in_scenes, o.views_per_photo, o.view_width, o.view_height, o.scene, rng);
    std::vector<FloatImage> textures;
    for (const size_t photo : scene.photos) textures.push_back(image_of(*in_scenes[photo]));
    std::vector<ExtractedView> views;
    for (const SceneView& planes : scene.views) {
      views.push_back(
          ExtractView(network, o, {planes, RenderView(planes, textures, o.view_width, o.view_height)}, rng));
    }
    return views;
  };
  const auto num_groups = static_cast<int64_t>(photos.size() + num_scenes);
  const auto make = [&](int64_t number) {
    const auto g = static_cast<size_t>(number);
    return g < photos.size() ? warps_of(g) : views_of_scene(g - photos.size());
  };
  std::vector<ExtractedView> views;
  ForEachPrepared(num_groups, o.num_workers, make, [&](const std::vector<ExtractedView>& group) {
    KeepViews(group, views);
    if (report) report(static_cast<int64_t>(views.size()), num_groups * o.views_per_photo);
  });
  FeatureSet set = FeatureSetOf(views, o);
  set.num_scenes = static_cast<int>(num_scenes);
  return set;
}

void SaveFeatureSet(const FeatureSet& set, const std::string& path) {
  torch::serialize::OutputArchive archive;
  archive.write("provenance", c10::IValue(set.provenance));
  archive.write("keypoints", set.keypoints);
  archive.write("scores", set.scores);
  archive.write("descriptors", set.descriptors);
  if (set.scales.defined()) archive.write("scales", set.scales);
  archive.write("planes", set.planes);
  if (set.num_reconstructed() > 0) {
    archive.write("projections", set.projections);
    archive.write("reconstructions", set.reconstructions);
  }
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
                    archive.try_read("scales", set.scales);
                    archive.read("planes", set.planes);
                    if (archive.try_read("projections", set.projections))
                      archive.read("reconstructions", set.reconstructions);
                    set.views_per_group = static_cast<int>(sizes[0].item<int64_t>());
                    set.view_width = static_cast<int>(sizes[1].item<int64_t>());
                    set.view_height = static_cast<int>(sizes[2].item<int64_t>());
                    set.num_scenes = static_cast<int>(sizes[3].item<int64_t>());
                  });
  return set;
}

}  // namespace colmatch
