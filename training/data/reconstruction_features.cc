// Features of reconstructed scenes; see reconstruction_features.h.
#include "training/data/reconstruction_features.h"

#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <unordered_set>

#include "training/data/prefetch.h"
#include "training/data/view_extraction.h"
#include "util/error.h"

namespace colmatch {
namespace {

using Vector3 = std::array<double, 3>;

Vector3 Project(const std::array<double, 12>& p, const Vector3& x) {
  Vector3 y;
  for (size_t i = 0; i < 3; ++i)
    y[i] = p[4 * i] * x[0] + p[4 * i + 1] * x[1] + p[4 * i + 2] * x[2] + p[4 * i + 3];
  return y;
}

// The point of the scene at a pixel of the photo and a depth: M x = depth (pixel, 1) - p, for P = (M | p).
class BackProjection {
 public:
  explicit BackProjection(const std::array<double, 12>& p)
      : p_(p), inverse_(Homography{{p[0], p[1], p[2], p[4], p[5], p[6], p[8], p[9], p[10]}}.Inverse()) {}

  Vector3 At(Point2 pixel, double depth) const {
    const Vector3 right = {depth * pixel.x - p_[3], depth * pixel.y - p_[7], depth - p_[11]};
    Vector3 x;
    for (size_t i = 0; i < 3; ++i) {
      x[i] =
          inverse_.m[3 * i] * right[0] + inverse_.m[3 * i + 1] * right[1] + inverse_.m[3 * i + 2] * right[2];
    }
    return x;
  }

 private:
  const std::array<double, 12>& p_;
  Homography inverse_;
};

// Of each keypoint (N, 2), of the point nearest to it; 0: not known.
std::vector<double> DepthsOf(const torch::Tensor& keypoints, const ViewGeometry& view,
                             const std::vector<ScenePoint3D>& points, double max_distance_px) {
  const auto n = static_cast<size_t>(keypoints.size(0));
  std::vector<double> nearest(n, max_distance_px), depths(n, 0);
  for (const ScenePoint3D& point : points) {
    const Vector3 p = Project(view.projection, {point.x, point.y, point.z});
    if (!(p[2] > 0)) continue;
    const Point2 place = view.view_from_photo.Apply({p[0] / p[2], p[1] / p[2]});
    for (size_t i = 0; i < n; ++i) {
      const float* k = keypoints.data_ptr<float>() + 2 * i;
      const double distance = std::hypot(k[0] - place.x, k[1] - place.y);
      if (distance > nearest[i]) continue;
      nearest[i] = distance;
      depths[i] = p[2];
    }
  }
  return depths;
}

// Which views share enough points with each, as a list of indices.
std::vector<std::vector<size_t>> SharingViews(const Reconstruction& reconstruction, int min_shared_points) {
  const auto& views = reconstruction.views;
  std::vector<std::unordered_set<uint64_t>> seen(views.size());
  for (size_t v = 0; v < views.size(); ++v) {
    for (const ScenePoint3D& point : views[v].points) seen[v].insert(point.id);
  }
  std::vector<std::vector<size_t>> sharing(views.size());
  for (size_t a = 0; a < views.size(); ++a) {
    for (size_t b = 0; b < views.size(); ++b) {
      if (a == b) continue;
      int shared = 0;
      for (const uint64_t id : seen[a]) shared += static_cast<int>(seen[b].count(id));
      if (shared >= min_shared_points) sharing[a].push_back(b);
    }
  }
  return sharing;
}

// Photos of one group, indices into the reconstruction's views; the first is `start`.
std::vector<size_t> DrawGroup(size_t start, std::vector<size_t> others, int size, Rng& rng) {
  std::vector<size_t> group = {start};
  for (size_t drawn = 0; static_cast<int>(group.size()) < size; ++drawn) {
    const size_t left = others.size() - drawn % others.size();  // no photo again before all have come
    std::swap(others[left - 1], others[static_cast<size_t>(rng.Below(static_cast<int64_t>(left)))]);
    group.push_back(others[left - 1]);
  }
  return group;
}

struct Group {
  size_t reconstruction;
  std::vector<size_t> views;
};

std::vector<Group> DrawGroups(const std::vector<Reconstruction>& reconstructions,
                              const ReconstructionFeatureOptions& o) {
  std::vector<Group> groups;
  for (size_t r = 0; r < reconstructions.size(); ++r) {
    const size_t before = groups.size();
    const auto sharing = SharingViews(reconstructions[r], o.min_shared_points);
    for (size_t start = 0; start < sharing.size(); ++start) {
      for (int i = 0; i < o.groups_per_view && !sharing[start].empty(); ++i) {
        Rng rng(o.views.seed, r, start * static_cast<size_t>(o.groups_per_view) + static_cast<size_t>(i));
        groups.push_back({r, DrawGroup(start, sharing[start], o.views.views_per_photo, rng)});
      }
    }
    if (groups.size() == before) {
      throw InputError(reconstructions[r].name + ": no two of its " +
                       std::to_string(reconstructions[r].views.size()) + " photos share " +
                       std::to_string(o.min_shared_points) + " triangulated points");
    }
  }
  return groups;
}

}  // namespace

torch::Tensor ProjectKeypoints(const torch::Tensor& keypoints, const ViewGeometry& from,
                               const std::vector<ScenePoint3D>& points, const std::vector<ViewGeometry>& to,
                               double max_distance_px) {
  const auto xy = keypoints.to(torch::kFloat).contiguous();
  const std::vector<double> depths = DepthsOf(xy, from, points, max_distance_px);
  const BackProjection from_photo(from.projection);
  const Homography photo_from_view = from.view_from_photo.Inverse();
  auto projected =
      torch::full({static_cast<int64_t>(to.size()), xy.size(0), 2}, std::numeric_limits<float>::quiet_NaN());
  for (size_t i = 0; i < depths.size(); ++i) {
    if (depths[i] <= 0) continue;
    const float* k = xy.data_ptr<float>() + 2 * i;
    const Vector3 point = from_photo.At(photo_from_view.Apply({k[0], k[1]}), depths[i]);
    for (size_t t = 0; t < to.size(); ++t) {
      float* out = projected.data_ptr<float>() + 2 * (t * depths.size() + i);
      out[0] = out[1] = kFarOutsidePx;
      const Vector3 there = Project(to[t].projection, point);
      if (!(there[2] > 0)) continue;
      const Point2 place = to[t].view_from_photo.Apply({there[0] / there[2], there[1] / there[2]});
      out[0] = static_cast<float>(place.x);
      out[1] = static_cast<float>(place.y);
    }
  }
  return projected;
}

FeatureSet MakeReconstructionFeatures(const ViewNetwork& network,
                                      const std::vector<Reconstruction>& reconstructions,
                                      const ReconstructionFeatureOptions& o,
                                      const std::function<void(int64_t, int64_t)>& report) {
  const std::vector<Group> groups = DrawGroups(reconstructions, o);
  struct Extracted {
    std::vector<ExtractedView> views;
    torch::Tensor projections;  // (V', V', N, 2)
  };
  const auto extract = [&](int64_t number) {
    const auto g = static_cast<size_t>(number);
    Extracted extracted;
    const auto& photos = reconstructions[groups[g].reconstruction].views;
    std::vector<ViewGeometry> geometry;
    for (size_t i = 0; i < groups[g].views.size(); ++i) {
      const ReconstructedView& photo = photos[groups[g].views[i]];
      Rng rng(o.views.seed + 1, g, i);
      TrainingView view = WarpPhoto(GrayFromBytes(photo.pixels.data(), photo.width, photo.height),
                                    o.views.homography, o.views.view_width, o.views.view_height, rng);
      geometry.push_back({photo.projection, view.planes[0].view_from_plane});
      extracted.views.push_back(ExtractView(network, o.views, std::move(view), rng));
    }
    std::vector<torch::Tensor> rows;
    for (size_t a = 0; a < geometry.size(); ++a) {
      rows.push_back(ProjectKeypoints(extracted.views[a].keypoints, geometry[a],
                                      photos[groups[g].views[a]].points, geometry, o.max_distance_px));
    }
    extracted.projections = torch::stack(rows);
    return extracted;
  };
  const auto num_groups = static_cast<int64_t>(groups.size());
  std::vector<ExtractedView> views;
  std::vector<torch::Tensor> projections;
  std::vector<int64_t> subjects;
  ForEachPrepared(num_groups, o.views.num_workers, extract, [&](const Extracted& extracted) {
    subjects.push_back(static_cast<int64_t>(groups[projections.size()].reconstruction));
    projections.push_back(extracted.projections);
    KeepViews(extracted.views, views);
    if (report) report(static_cast<int64_t>(views.size()), num_groups * o.views.views_per_photo);
  });
  FeatureSet set = FeatureSetOf(views, o.views);
  set.projections = torch::stack(projections);
  set.reconstructions = torch::tensor(subjects, torch::kLong);
  return set;
}

}  // namespace colmatch
