// SuperPoint training pairs; see superpoint_data.h.
#include "training/superpoint_data.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "network/superpoint.h"

namespace colmatch {
namespace {

constexpr int64_t kNoKeypoint = kCellSize * kCellSize;

struct View {
  Homography photo_from_view, view_from_photo;
  FloatImage image;
};

// The part of the photo that both views look at.
struct Region {
  double x = 0, y = 0, width = 0, height = 0;
};

Region SampleRegion(const ShardPhoto& photo, const SuperPointDataOptions& o, Rng& rng) {
  const double share = rng.Uniform(o.min_region, o.max_region);
  Region r;
  r.width = std::floor(photo.width * share);
  r.height = std::floor(photo.height * share);
  r.x = std::floor(rng.Uniform() * (photo.width - r.width));
  r.y = std::floor(rng.Uniform() * (photo.height - r.height));
  return r;
}

View MakeView(const FloatImage& photo, const Region& region, const SuperPointDataOptions& o,
              double difficulty, Rng& rng) {
  HomographyOptions sampling = o.homography;
  sampling.difficulty *= difficulty;
  auto corners = SampleQuadrilateral(region.width, region.height, sampling, rng);
  for (Point2& p : corners) p = {p.x + region.x, p.y + region.y};
  View view;
  view.photo_from_view = HomographyFromCorners(ImageCorners(o.patch_width, o.patch_height), corners);
  view.view_from_photo = view.photo_from_view.Inverse();
  view.image = WarpImage(photo, view.photo_from_view, o.patch_width, o.patch_height);
  AugmentPhotometric(view.image, o.photometric, rng);
  return view;
}

bool IsInside(Point2 p, const SuperPointDataOptions& o) {
  constexpr double kMargin = 4;  // pixels; descriptors at the very border see mostly padding
  return p.x >= kMargin && p.y >= kMargin && p.x <= o.patch_width - 1 - kMargin &&
         p.y <= o.patch_height - 1 - kMargin;
}

// One label per cell; where several fall in, the one with the best score, as labels are sorted.
void FillCells(const ShardPhoto& photo, const View& view, const SuperPointDataOptions& o, int64_t* cells) {
  const int columns = o.patch_width / kCellSize, rows = o.patch_height / kCellSize;
  std::fill(cells, cells + static_cast<size_t>(rows) * columns, kNoKeypoint);
  for (const KeypointLabel& label : photo.labels) {
    const Point2 p = view.view_from_photo.Apply({label.x, label.y});
    const int64_t x = std::lround(p.x), y = std::lround(p.y);
    if (x < 0 || y < 0 || x >= columns * kCellSize || y >= rows * kCellSize) continue;
    int64_t& cell = cells[(y / kCellSize) * columns + x / kCellSize];
    if (cell == kNoKeypoint) cell = (y % kCellSize) * kCellSize + x % kCellSize;
  }
}

// Places visible in both views: from labels first, then anywhere. Returns how many were found.
int64_t FillCorrespondences(const ShardPhoto& photo, const View& a, const View& b,
                            const SuperPointDataOptions& o, Rng& rng, float* points_a, float* points_b) {
  int64_t count = 0;
  const auto add = [&](Point2 in_a, Point2 in_b) {
    points_a[2 * count] = static_cast<float>(in_a.x);
    points_a[2 * count + 1] = static_cast<float>(in_a.y);
    points_b[2 * count] = static_cast<float>(in_b.x);
    points_b[2 * count + 1] = static_cast<float>(in_b.y);
    ++count;
  };
  std::vector<KeypointLabel> labels = photo.labels;
  for (size_t i = labels.size(); i > 1; --i) std::swap(labels[i - 1], labels[rng.Below(i)]);
  const auto from_labels = static_cast<int64_t>(o.label_share * o.num_correspondences);
  for (size_t i = 0; i < labels.size() && count < from_labels; ++i) {
    const Point2 in_a = a.view_from_photo.Apply({labels[i].x, labels[i].y});
    const Point2 in_b = b.view_from_photo.Apply({labels[i].x, labels[i].y});
    if (IsInside(in_a, o) && IsInside(in_b, o)) add(in_a, in_b);
  }
  const Homography b_from_a = b.view_from_photo * a.photo_from_view;
  for (int tries = 0; tries < 8 * o.num_correspondences && count < o.num_correspondences; ++tries) {
    const Point2 in_a{rng.Uniform(4, o.patch_width - 5), rng.Uniform(4, o.patch_height - 5)};
    const Point2 in_b = b_from_a.Apply(in_a);
    if (IsInside(in_b, o)) add(in_a, in_b);
  }
  return count;
}

}  // namespace

SuperPointBatch MakeSuperPointBatch(const std::vector<ShardPhoto>& photos, const PhotoSampler& sampler,
                                    const SuperPointDataOptions& o, uint64_t step, double difficulty) {
  const int64_t b = o.batch_size, h = o.patch_height, w = o.patch_width, k = o.num_correspondences;
  const int64_t cells_per_image = (h / kCellSize) * (w / kCellSize);
  SuperPointBatch batch;
  batch.images = torch::empty({2 * b, 1, h, w});
  batch.cell_labels = torch::empty({2 * b, h / kCellSize, w / kCellSize}, torch::kLong);
  batch.points_a = torch::full({b, k, 2}, static_cast<float>(kCellSize));
  batch.points_b = torch::full({b, k, 2}, static_cast<float>(kCellSize));
  batch.valid = torch::zeros({b, k}, torch::kBool);
  Rng photo_rng(o.seed, step, static_cast<uint64_t>(b));
  const auto drawn = sampler.DrawDistinct(photo_rng, static_cast<size_t>(b));
  for (int64_t i = 0; i < b; ++i) {
    Rng rng(o.seed, step, static_cast<uint64_t>(i));
    const ShardPhoto& photo = photos[drawn[i]];
    const FloatImage gray = GrayFromBytes(photo.pixels.data(), photo.width, photo.height);
    const Region region = SampleRegion(photo, o, rng);
    const View views[2] = {MakeView(gray, region, o, difficulty, rng),
                           MakeView(gray, region, o, difficulty, rng)};
    for (int64_t v = 0; v < 2; ++v) {
      std::memcpy(batch.images.data_ptr<float>() + (v * b + i) * h * w, views[v].image.pixels.data(),
                  sizeof(float) * h * w);
      FillCells(photo, views[v], o, batch.cell_labels.data_ptr<int64_t>() + (v * b + i) * cells_per_image);
    }
    const int64_t found =
        FillCorrespondences(photo, views[0], views[1], o, rng, batch.points_a.data_ptr<float>() + i * k * 2,
                            batch.points_b.data_ptr<float>() + i * k * 2);
    batch.valid[i].narrow(0, 0, found).fill_(true);
  }
  return batch;
}

}  // namespace colmatch
