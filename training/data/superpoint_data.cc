// SuperPoint training pairs; see superpoint_data.h.
#include "training/data/superpoint_data.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "network/superpoint.h"
#include "training/data/descriptor_targets.h"
#include "training/data/ground_truth.h"
#include "training/data/keypoint_labels.h"
#include "training/data/synthetic_shapes.h"

namespace colmatch {
namespace {

constexpr int64_t kNoKeypoint = kCellSize * kCellSize;

struct View {
  Homography photo_from_view, view_from_photo;
  torch::Tensor image;  // (1, 1, H, W)
};

// Makes a view's picture, on the CPU or where the photos are.
class Painter {
 public:
  Painter(const std::vector<ShardPhoto>& photos, const DevicePhotos* on_device,
          const SuperPointDataOptions& o)
      : photos_(photos), on_device_(on_device), o_(o) {}

  void Take(size_t photo) {
    photo_ = photo;
    if (on_device_ == nullptr)
      gray_ = GrayFromBytes(photos_[photo].pixels.data(), photos_[photo].width, photos_[photo].height);
  }
  torch::Tensor Paint(const Homography& photo_from_view, Rng& rng) const {
    if (on_device_ != nullptr) {
      const auto image = AugmentOnDevice(
          on_device_->Warp(photo_, photo_from_view, o_.patch_width, o_.patch_height), o_.photometric, rng);
      return o_.camera.probability > 0 ? ChangedOnCpu(image, rng) : image;
    }
    FloatImage image = WarpImage(gray_, photo_from_view, o_.patch_width, o_.patch_height);
    AugmentPhotometric(image, o_.photometric, rng);
    ChangeCamera(image, o_.camera, rng);
    return AsTensor(image);
  }

 private:
  static torch::Tensor AsTensor(FloatImage& image) {
    return torch::from_blob(image.pixels.data(), {1, 1, image.height, image.width}).clone();
  }
  // Compression works block by block, which the CPU does well.
  torch::Tensor ChangedOnCpu(const torch::Tensor& image, Rng& rng) const {
    const auto there = image.to(torch::kCPU, torch::kFloat).contiguous();
    const float* pixels = there.data_ptr<float>();
    FloatImage here{o_.patch_width, o_.patch_height, std::vector<float>(pixels, pixels + there.numel())};
    ChangeCamera(here, o_.camera, rng);
    return AsTensor(here).to(image.device());
  }

  const std::vector<ShardPhoto>& photos_;
  const DevicePhotos* on_device_;
  const SuperPointDataOptions& o_;
  size_t photo_ = 0;
  FloatImage gray_;
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

View MakeView(const Painter& painter, const Region& region, const SuperPointDataOptions& o, double difficulty,
              Rng& rng) {
  HomographyOptions sampling = o.homography;
  sampling.difficulty *= difficulty;
  auto corners = SampleQuadrilateral(region.width, region.height, sampling, rng);
  for (Point2& p : corners) p = {p.x + region.x, p.y + region.y};
  View view;
  view.photo_from_view = HomographyFromCorners(ImageCorners(o.patch_width, o.patch_height), corners);
  view.view_from_photo = view.photo_from_view.Inverse();
  view.image = painter.Paint(view.photo_from_view, rng);
  return view;
}

bool IsInside(Point2 p, const SuperPointDataOptions& o) {
  constexpr double kMargin = 4;  // pixels; descriptors at the very border see mostly padding
  return p.x >= kMargin && p.y >= kMargin && p.x <= o.patch_width - 1 - kMargin &&
         p.y <= o.patch_height - 1 - kMargin;
}

struct Correspondence {
  Point2 in_a, in_b;
  int64_t target = -1;  // the teacher's point, if it is one
};

// Where both views have a peak at the same place, the strongest first.
std::vector<Correspondence> RepeatedPeaks(const View& a, const View& b, const SuperPointDataOptions& o) {
  PeakOptions options;
  const double cells = static_cast<double>(o.patch_width) * o.patch_height / (kCellSize * kCellSize);
  options.max_peaks = std::max(1, static_cast<int>(o.max_peaks_per_cell * cells));
  const auto peaks_a = HessianPeaks(a.image, options), peaks_b = HessianPeaks(b.image, options);
  const auto tensor = [](const std::vector<KeypointLabel>& peaks) {
    auto xy = torch::empty({static_cast<int64_t>(peaks.size()), 2});
    for (size_t i = 0; i < peaks.size(); ++i) {
      xy.data_ptr<float>()[2 * i] = peaks[i].x;
      xy.data_ptr<float>()[2 * i + 1] = peaks[i].y;
    }
    return xy;
  };
  const auto matches =
      MatchByHomography(tensor(peaks_a), tensor(peaks_b), b.view_from_photo * a.photo_from_view,
                        {o.repeated_px, o.repeated_px})
          .matches0;
  std::vector<Correspondence> repeated;
  for (size_t i = 0; i < peaks_a.size(); ++i) {
    const int64_t j = matches.data_ptr<int64_t>()[i];
    if (j >= 0) repeated.push_back({{peaks_a[i].x, peaks_a[i].y}, {peaks_b[j].x, peaks_b[j].y}});
  }
  return repeated;
}

// The shard's labels, also those that only one of the views shows.
std::vector<Correspondence> ShardLabels(const ShardPhoto& photo, const View& a, const View& b) {
  std::vector<Correspondence> labels;
  for (const KeypointLabel& label : photo.labels) {
    const Point2 p{label.x, label.y};
    labels.push_back({a.view_from_photo.Apply(p), b.view_from_photo.Apply(p)});
  }
  return labels;
}

// The teacher's points that both views show, in random order.
std::vector<Correspondence> TaughtPoints(const ShardPhoto& photo, const View& a, const View& b,
                                         const SuperPointDataOptions& o, Rng& rng) {
  std::vector<Correspondence> points;
  for (size_t i = 0; i < photo.targets->points.size(); ++i) {
    const Point2 p{photo.targets->points[i].x, photo.targets->points[i].y};
    const Correspondence c{a.view_from_photo.Apply(p), b.view_from_photo.Apply(p), static_cast<int64_t>(i)};
    if (IsInside(c.in_a, o) && IsInside(c.in_b, o)) points.push_back(c);
  }
  for (size_t i = points.size(); i > 1; --i) std::swap(points[i - 1], points[rng.Below(i)]);
  return points;
}

// One label per cell; where several fall in, the first, as labels are sorted.
void FillCells(const std::vector<Correspondence>& labels, Point2 Correspondence::*in_view,
               const SuperPointDataOptions& o, int64_t* cells) {
  const int columns = o.patch_width / kCellSize, rows = o.patch_height / kCellSize;
  std::fill(cells, cells + static_cast<size_t>(rows) * columns, kNoKeypoint);
  for (const Correspondence& label : labels) {
    const int64_t x = std::lround((label.*in_view).x), y = std::lround((label.*in_view).y);
    if (x < 0 || y < 0 || x >= columns * kCellSize || y >= rows * kCellSize) continue;
    int64_t& cell = cells[(y / kCellSize) * columns + x / kCellSize];
    if (cell == kNoKeypoint) cell = (y % kCellSize) * kCellSize + x % kCellSize;
  }
}

// Whether a peak is repeated can only be known where the other view looks too.
void IgnoreUnseenCells(const Homography& other_from_view, const SuperPointDataOptions& o, int64_t* cells) {
  const int columns = o.patch_width / kCellSize, rows = o.patch_height / kCellSize;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      int64_t& cell = cells[row * columns + column];
      const Point2 centre{kCellSize * (column + 0.5) - 0.5, kCellSize * (row + 0.5) - 0.5};
      if (cell == kNoKeypoint && !IsInside(other_from_view.Apply(centre), o)) cell = kIgnoredCell;
    }
  }
}

// Places visible in both views, num_correspondences at most: the teacher's points first, then labels, then
// anywhere.
std::vector<Correspondence> ChooseCorrespondences(const std::vector<Correspondence>& taught,
                                                  std::vector<Correspondence> labels,
                                                  const Homography& b_from_a, const SuperPointDataOptions& o,
                                                  Rng& rng) {
  const auto wanted = static_cast<size_t>(o.num_correspondences);
  const size_t from_teacher = std::min(taught.size(), static_cast<size_t>(o.target_share * wanted));
  std::vector<Correspondence> chosen(taught.begin(),
                                     taught.begin() + static_cast<std::ptrdiff_t>(from_teacher));
  for (size_t i = labels.size(); i > 1; --i) std::swap(labels[i - 1], labels[rng.Below(i)]);
  const size_t with_labels = from_teacher + static_cast<size_t>(o.label_share * (wanted - from_teacher));
  for (size_t i = 0; i < labels.size() && chosen.size() < with_labels; ++i) {
    if (IsInside(labels[i].in_a, o) && IsInside(labels[i].in_b, o)) chosen.push_back(labels[i]);
  }
  for (size_t tries = 0; tries < 8 * wanted && chosen.size() < wanted; ++tries) {
    const Point2 in_a{rng.Uniform(4, o.patch_width - 5), rng.Uniform(4, o.patch_height - 5)};
    const Point2 in_b = b_from_a.Apply(in_a);
    if (IsInside(in_b, o)) chosen.push_back({in_a, in_b});
  }
  return chosen;
}

// Into pair i of the batch.
void FillCorrespondences(const std::vector<Correspondence>& chosen, const DescriptorTargets* targets,
                         int64_t i, SuperPointBatch& batch) {
  const int64_t k = batch.points_a.size(1);
  float* points_a = batch.points_a.data_ptr<float>() + i * k * 2;
  float* points_b = batch.points_b.data_ptr<float>() + i * k * 2;
  bool* valid = batch.valid.data_ptr<bool>() + i * k;
  for (size_t n = 0; n < chosen.size(); ++n) {
    const Correspondence& c = chosen[n];
    points_a[2 * n] = static_cast<float>(c.in_a.x);
    points_a[2 * n + 1] = static_cast<float>(c.in_a.y);
    points_b[2 * n] = static_cast<float>(c.in_b.x);
    points_b[2 * n + 1] = static_cast<float>(c.in_b.y);
    valid[n] = true;
    if (c.target < 0) continue;
    const std::vector<float> descriptor = targets->Descriptor(static_cast<size_t>(c.target));
    const int64_t row = i * k + static_cast<int64_t>(n);
    std::copy(descriptor.begin(), descriptor.end(),
              batch.targets.data_ptr<float>() + row * batch.targets.size(2));
    batch.taught.data_ptr<bool>()[row] = true;
  }
}

SuperPointBatch EmptyBatch(const SuperPointDataOptions& o, int target_dim = 0) {
  const int64_t b = o.batch_size, h = o.patch_height, w = o.patch_width, k = o.num_correspondences;
  SuperPointBatch batch;
  batch.images = torch::empty({2 * b, 1, h, w});
  batch.cell_labels = torch::empty({2 * b, h / kCellSize, w / kCellSize}, torch::kLong);
  batch.points_a = torch::full({b, k, 2}, static_cast<float>(kCellSize));
  batch.points_b = torch::full({b, k, 2}, static_cast<float>(kCellSize));
  batch.valid = torch::zeros({b, k}, torch::kBool);
  if (target_dim > 0) {
    batch.targets = torch::zeros({b, k, target_dim});
    batch.taught = torch::zeros({b, k}, torch::kBool);
  }
  return batch;
}

}  // namespace

SuperPointBatch MakeSuperPointBatch(const std::vector<ShardPhoto>& photos, const PhotoSampler& sampler,
                                    const SuperPointDataOptions& o, uint64_t step, double difficulty,
                                    const DevicePhotos* on_device) {
  const int64_t b = o.batch_size, h = o.patch_height, w = o.patch_width;
  const int64_t cells_per_image = (h / kCellSize) * (w / kCellSize);
  const auto& teacher = photos.front().targets;  // all photos have targets or none has
  SuperPointBatch batch = EmptyBatch(o, teacher != nullptr ? teacher->descriptor_dim : 0);
  Rng photo_rng(o.seed, step, static_cast<uint64_t>(b));
  const auto drawn = sampler.DrawDistinct(photo_rng, static_cast<size_t>(b));
  Painter painter(photos, on_device, o);
  std::vector<torch::Tensor> images(static_cast<size_t>(2 * b));
  for (int64_t i = 0; i < b; ++i) {
    Rng rng(o.seed, step, static_cast<uint64_t>(i));
    const ShardPhoto& photo = photos[drawn[i]];
    painter.Take(drawn[i]);
    const Region region = SampleRegion(photo, o, rng);
    const View views[2] = {MakeView(painter, region, o, difficulty, rng),
                           MakeView(painter, region, o, difficulty, rng)};
    const bool repeated = o.labels == LabelSource::kRepeatedPeaks;
    const auto labels =
        repeated ? RepeatedPeaks(views[0], views[1], o) : ShardLabels(photo, views[0], views[1]);
    const Homography b_from_a = views[1].view_from_photo * views[0].photo_from_view;
    for (int64_t v = 0; v < 2; ++v) {
      images[v * b + i] = views[v].image;
      int64_t* cells = batch.cell_labels.data_ptr<int64_t>() + (v * b + i) * cells_per_image;
      FillCells(labels, v == 0 ? &Correspondence::in_a : &Correspondence::in_b, o, cells);
      if (repeated) IgnoreUnseenCells(v == 0 ? b_from_a : b_from_a.Inverse(), o, cells);
    }
    std::vector<Correspondence> taught;
    if (photo.targets != nullptr) taught = TaughtPoints(photo, views[0], views[1], o, rng);
    FillCorrespondences(ChooseCorrespondences(taught, labels, b_from_a, o, rng), photo.targets.get(), i,
                        batch);
  }
  batch.images = torch::cat(images);
  return batch;
}

SuperPointBatch MakeMagicPointBatch(const SuperPointDataOptions& o, uint64_t step) {
  const int64_t h = o.patch_height, w = o.patch_width;
  SuperPointBatch batch = EmptyBatch(o);
  for (int64_t i = 0; i < 2 * o.batch_size; ++i) {
    Rng rng(o.seed, step, static_cast<uint64_t>(i));
    const auto shape = static_cast<SyntheticShape>(rng.Below(kNumSyntheticShapes));
    SyntheticImage drawn = DrawSyntheticShape(shape, o.patch_width, o.patch_height, rng);
    AugmentPhotometric(drawn.image, o.photometric, rng);
    std::memcpy(batch.images.data_ptr<float>() + i * h * w, drawn.image.pixels.data(), sizeof(float) * h * w);
    std::vector<Correspondence> corners;
    for (const KeypointLabel& corner : drawn.corners) corners.push_back({{corner.x, corner.y}, {}});
    FillCells(corners, &Correspondence::in_a, o,
              batch.cell_labels.data_ptr<int64_t>() + i * (h / kCellSize) * (w / kCellSize));
  }
  return batch;
}

}  // namespace colmatch
