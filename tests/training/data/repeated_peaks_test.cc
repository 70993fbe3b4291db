// Tests of keypoint labels by peaks that both views show.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "network/hessian_response.h"
#include "tests/training/data/superpoint_data_util.h"
#include "training/data/keypoint_labels.h"

namespace colmatch {
namespace {

// Gaussian blobs of two pixels, dark ones and bright ones, 16 pixels apart.
ShardPhoto SpottedPhoto(uint64_t seed) {
  ShardPhoto photo = TexturePhoto(seed);
  Rng rng(seed, 1, 0);
  std::vector<double> grey(photo.pixels.size(), 127.5);
  for (int i = 0; i < 70; ++i) {
    const double spot_x = 8 + 16 * (i % 10) + rng.Uniform(-2, 2),
                 spot_y = 8 + 16 * (i / 10) + rng.Uniform(-2, 2);
    const double contrast = (rng.Below(2) == 0 ? 1 : -1) * rng.Uniform(50, 120);
    for (size_t k = 0; k < grey.size(); ++k) {
      const double dx = static_cast<double>(k % photo.width) - spot_x,
                   dy = static_cast<double>(k / photo.width) - spot_y;
      grey[k] += contrast * std::exp(-(dx * dx + dy * dy) / 8);
    }
  }
  for (size_t k = 0; k < grey.size(); ++k) photo.pixels[k] = static_cast<uint8_t>(std::lround(grey[k]));
  return photo;
}

class RepeatedPeaks : public testing::Test {
 protected:
  // Half of a photo's side is about as large as a view.
  static SuperPointDataOptions HalfPhotos() {
    SuperPointDataOptions options = Options(LabelSource::kRepeatedPeaks);
    options.min_region = options.max_region = 0.5;
    return options;
  }

  // Points that are not from labels correspond exactly, and are requested without disturbing the views.
  Homography BFromA(SuperPointDataOptions options, uint64_t step, int64_t pair) const {
    options.label_share = 0;
    options.num_correspondences = 256;
    const SuperPointBatch batch = MakeBatch(photos_, options, step);
    const auto x = batch.points_a[pair].select(1, 0), y = batch.points_a[pair].select(1, 1);
    const auto absent = ~batch.valid[pair];
    std::array<Point2, 4> a, b;
    const torch::Tensor directions[] = {-x - y, x - y, x + y, y - x};
    for (size_t i = 0; i < 4; ++i) {
      const auto farthest = directions[i].masked_fill(absent, -1e9).argmax().item<int64_t>();
      a[i] = PointAt(batch.points_a[pair], farthest);
      b[i] = PointAt(batch.points_b[pair], farthest);
    }
    return HomographyFromCorners(a, b);
  }
  static Point2 PointAt(const torch::Tensor& points, int64_t k) {
    return {points[k][0].item<double>(), points[k][1].item<double>()};
  }

  static FloatImage ViewOf(const SuperPointBatch& batch, int64_t view) {
    const float* pixels = batch.images.data_ptr<float>() + view * 80 * 64;
    return {80, 64, std::vector<float>(pixels, pixels + 80 * 64)};
  }
  static std::vector<Point2> PeaksOf(const SuperPointBatch& batch, int64_t view, int max_peaks = 500) {
    PeakOptions options;
    options.max_peaks = max_peaks;
    std::vector<Point2> peaks;
    for (const KeypointLabel& peak : HessianDetector(options)(ViewOf(batch, view)))
      peaks.push_back({peak.x, peak.y});
    return peaks;
  }
  static std::vector<Point2> LabelsOf(const SuperPointBatch& batch, int64_t view) {
    std::vector<Point2> labels;
    for (int64_t row = 0; row < 8; ++row) {
      for (int64_t column = 0; column < 10; ++column) {
        const auto label = batch.cell_labels[view][row][column].item<int64_t>();
        if (label >= 0 && label < kNoKeypoint)
          labels.push_back({8.0 * column + label % 8, 8.0 * row + label / 8});
      }
    }
    return labels;
  }
  static double DistanceToNearest(Point2 p, const std::vector<Point2>& others) {
    double least = 1e9;
    for (const Point2& other : others) least = std::min(least, std::hypot(p.x - other.x, p.y - other.y));
    return least;
  }

  std::vector<ShardPhoto> photos_ = {SpottedPhoto(1), SpottedPhoto(2), SpottedPhoto(3)};
};

TEST_F(RepeatedPeaks, PointsFromLabelsArePeaksOfBothViewsThatAgreeWithTheHomography) {
  for (const double repeated_px : {0.4, 1.5}) {
    SuperPointDataOptions options = HalfPhotos();
    options.repeated_px = repeated_px;
    options.label_share = 1;
    options.num_correspondences = 4;
    double largest = 0;
    for (uint64_t step = 0; step < 5; ++step) {
      const SuperPointBatch batch = MakeBatch(photos_, options, step);
      for (int64_t i = 0; i < 3; ++i) {
        const Homography b_from_a = BFromA(options, step, i);
        const auto peaks_a = PeaksOf(batch, i), peaks_b = PeaksOf(batch, 3 + i);
        for (int64_t k = 0; k < 4; ++k) {
          const Point2 a = PointAt(batch.points_a[i], k), b = PointAt(batch.points_b[i], k);
          EXPECT_LT(DistanceToNearest(a, peaks_a), 1e-3) << "step " << step << ", pair " << i;
          EXPECT_LT(DistanceToNearest(b, peaks_b), 1e-3) << "step " << step << ", pair " << i;
          largest = std::max(largest, DistanceToNearest(b_from_a.Apply(a), {b}));
        }
      }
    }
    EXPECT_LE(largest, repeated_px + 1e-3);
    EXPECT_GT(largest, 0.1) << "each is its own view's peak, not the other's mapped";
  }
}

TEST_F(RepeatedPeaks, LabelledCellsHoldPeaksOfTheirImage) {
  photos_ = Photos();
  photos_[2] = SpottedPhoto(1);
  size_t count = 0;
  for (uint64_t step = 0; step < 8; ++step) {
    const SuperPointBatch batch = MakeBatch(photos_, Options(LabelSource::kRepeatedPeaks), step);
    for (int64_t view = 0; view < 6; ++view) {
      const auto peaks = LocalPeaks(HessianResponse(batch.images.narrow(0, view, 1)));
      for (const Point2& label : LabelsOf(batch, view)) {
        const auto x = static_cast<int64_t>(label.x), y = static_cast<int64_t>(label.y);
        EXPECT_GT(peaks.slice(0, y - 1, y + 2).slice(1, x - 1, x + 2).max().item<float>(), 0)
            << "step " << step << ", view " << view << ": " << x << ", " << y;
        ++count;
      }
    }
  }
  EXPECT_GT(count, 100u);
}

TEST_F(RepeatedPeaks, ALabelOfOneViewIsALabelOfTheOther) {
  SuperPointDataOptions options = HalfPhotos();
  options.max_peaks_per_cell = 0.08;  // blobs alone: no two in a cell
  size_t count = 0;
  for (uint64_t step = 0; step < 5; ++step) {
    const SuperPointBatch batch = MakeBatch(photos_, options, step);
    for (int64_t i = 0; i < 3; ++i) {
      const Homography b_from_a = BFromA(options, step, i);
      const auto labels_a = LabelsOf(batch, i), labels_b = LabelsOf(batch, 3 + i);
      EXPECT_EQ(labels_a.size(), labels_b.size());
      for (const Point2& label : labels_a) {
        EXPECT_LT(DistanceToNearest(b_from_a.Apply(label), labels_b), 4)  // 1.5 and the rounding of both
            << "step " << step << ", pair " << i << ": " << label.x << ", " << label.y;
        ++count;
      }
    }
  }
  EXPECT_GT(count, 50u);
}

TEST_F(RepeatedPeaks, LabelsAreAmongTheStrongestPeaksOfAView) {
  SuperPointDataOptions options = HalfPhotos();
  options.max_peaks_per_cell = 0.05;  // of 80 cells
  size_t count = 0;
  for (uint64_t step = 0; step < 5; ++step) {
    const SuperPointBatch batch = MakeBatch(photos_, options, step);
    for (int64_t view = 0; view < 6; ++view) {
      const auto strongest = PeaksOf(batch, view, 4);
      for (const Point2& label : LabelsOf(batch, view)) {
        EXPECT_LT(DistanceToNearest(label, strongest), 0.75) << "step " << step << ", view " << view;
        ++count;
      }
    }
  }
  EXPECT_GT(count, 20u);
}

TEST_F(RepeatedPeaks, CellsThatTheOtherViewDoesNotShowAreIgnoredAndNoOthers) {
  const SuperPointDataOptions options = HalfPhotos();
  int seen = 0, unseen = 0;
  for (uint64_t step = 0; step < 3; ++step) {
    const SuperPointBatch batch = MakeBatch(photos_, options, step);
    for (int64_t i = 0; i < 3; ++i) {
      const Homography b_from_a = BFromA(options, step, i);
      for (int64_t view : {i, 3 + i}) {
        const Homography other_from_view = view < 3 ? b_from_a : b_from_a.Inverse();
        for (int64_t row = 0; row < 8; ++row) {
          for (int64_t column = 0; column < 10; ++column) {
            const Point2 p = other_from_view.Apply({8.0 * column + 3.5, 8.0 * row + 3.5});
            // How far within the four pixels from the border that count as seen.
            const double inside = std::min({p.x - 4, p.y - 4, 75 - p.x, 59 - p.y});
            const auto label = batch.cell_labels[view][row][column].item<int64_t>();
            if (inside > 0.01) EXPECT_NE(label, kIgnoredCell) << row << ", " << column;
            if (inside < -0.01) EXPECT_NE(label, kNoKeypoint) << row << ", " << column;
            seen += inside > 0.01;
            unseen += inside < -0.01;
          }
        }
      }
    }
  }
  EXPECT_GT(seen, 300);
  EXPECT_GT(unseen, 100);
}

TEST_F(RepeatedPeaks, DoNotDependOnTheShardsLabels) {
  const SuperPointBatch expected = MakeBatch(photos_, HalfPhotos(), 1);
  for (ShardPhoto& photo : photos_) photo.labels.clear();
  EXPECT_TRUE(Same(MakeBatch(photos_, HalfPhotos(), 1), expected));
}

TEST_F(RepeatedPeaks, AFlatPhotoHasNoneButStillCorrespondences) {
  for (ShardPhoto& photo : photos_) std::fill(photo.pixels.begin(), photo.pixels.end(), uint8_t{100});
  const SuperPointBatch batch = MakeBatch(photos_, HalfPhotos(), 0);
  EXPECT_TRUE((batch.cell_labels.eq(kNoKeypoint) | batch.cell_labels.eq(kIgnoredCell)).all().item<bool>());
  EXPECT_GT(batch.valid.sum().item<int64_t>(), 60);
}

}  // namespace
}  // namespace colmatch
