// Tests of SuperPoint's training pairs: a pure function of the step, whose points and labels are where they
// should be, be they the shard's or peaks that both views show.
#include "training/data/superpoint_data.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "network/hessian_response.h"
#include "tests/network/tensor_near.h"
#include "tests/training/data/superpoint_data_util.h"
#include "training/data/descriptor_targets.h"
#include "training/data/keypoint_labels.h"

namespace colmatch {
namespace {

// Grey of image (1, H, W) at points (K, 2).
torch::Tensor GreyAt(const torch::Tensor& image, const torch::Tensor& points) {
  namespace F = torch::nn::functional;
  const auto extent =
      torch::tensor({static_cast<float>(image.size(2) - 1), static_cast<float>(image.size(1) - 1)});
  const auto grid = (points / extent * 2 - 1).view({1, 1, -1, 2});
  return F::grid_sample(image.unsqueeze(0), grid, F::GridSampleFuncOptions().align_corners(true)).flatten();
}

TEST(SuperPointData, HasTheDocumentedShapesAndRanges) {
  const SuperPointBatch batch = MakeBatch(Photos(), Options(), 0);
  EXPECT_EQ(batch.images.sizes(), (torch::IntArrayRef{6, 1, 64, 80}));
  EXPECT_EQ(batch.cell_labels.sizes(), (torch::IntArrayRef{6, 8, 10}));
  EXPECT_EQ(batch.points_a.sizes(), (torch::IntArrayRef{3, 40, 2}));
  EXPECT_EQ(batch.points_b.sizes(), (torch::IntArrayRef{3, 40, 2}));
  EXPECT_EQ(batch.valid.sizes(), (torch::IntArrayRef{3, 40}));
  EXPECT_GE(batch.images.min().item<double>(), 0);
  EXPECT_LE(batch.images.max().item<double>(), 1);
  EXPECT_GE(batch.cell_labels.min().item<int64_t>(), 0);
  EXPECT_LE(batch.cell_labels.max().item<int64_t>(), kNoKeypoint);
}

TEST(SuperPointData, IsAPureFunctionOfTheStep) {
  for (const LabelSource labels : {LabelSource::kShards, LabelSource::kRepeatedPeaks}) {
    SuperPointDataOptions options = Options(labels);
    options.photometric.strength = 1;
    const SuperPointBatch first = MakeBatch(Photos(), options, 7), other = MakeBatch(Photos(), options, 8);
    EXPECT_TRUE(Same(first, MakeBatch(Photos(), options, 7)));
    EXPECT_FALSE(SameBytes(first.images, other.images));
    options.seed = 6;
    EXPECT_FALSE(SameBytes(first.images, MakeBatch(Photos(), options, 7).images));
  }
}

TEST(SuperPointData, CorrespondingPointsShowTheSameGrey) {
  for (uint64_t step = 0; step < 8; ++step) {
    const SuperPointBatch batch = MakeBatch(Photos(), Options(), step);
    for (int64_t i = 0; i < 3; ++i) {
      const auto valid = batch.valid[i].nonzero().squeeze(1);
      ASSERT_GT(valid.size(0), 20) << "step " << step;
      const auto a = GreyAt(batch.images[i], batch.points_a[i].index_select(0, valid));
      const auto b = GreyAt(batch.images[3 + i], batch.points_b[i].index_select(0, valid));
      EXPECT_LT((a - b).abs().max().item<double>(), 0.03) << "step " << step << ", pair " << i;
      EXPECT_GT(a.std().item<double>(), 0.03) << "grey alone would not tell";
    }
  }
}

TEST(SuperPointData, PointsKeepFourPixelsFromTheBorder) {
  for (const LabelSource labels : {LabelSource::kShards, LabelSource::kRepeatedPeaks}) {
    const SuperPointBatch batch = MakeBatch(Photos(), Options(labels), 2);
    for (const auto& points : {batch.points_a, batch.points_b}) {
      const auto inside = points.select(2, 0).ge(4) & points.select(2, 0).le(75) & points.select(2, 1).ge(4) &
                          points.select(2, 1).le(59);
      EXPECT_TRUE((inside | ~batch.valid).all().item<bool>());
    }
  }
}

// Without difficulty and with the whole photo as region, a view is the photo resized: everything can be
// predicted.
TEST(SuperPointData, CellsOfAnUnwarpedPhotoHoldItsLabels) {
  SuperPointDataOptions options = Options();
  options.batch_size = 1;
  options.min_region = options.max_region = 1;
  std::vector<ShardPhoto> photos = {TexturePhoto(1)};
  photos[0].labels.push_back({-5, 3, 0.1f});  // outside the photo: in no cell
  const SuperPointBatch batch = MakeBatch(photos, options, 0, /*difficulty=*/0);
  auto expected = torch::full({8, 10}, kNoKeypoint, torch::kLong);
  for (const KeypointLabel& label : photos[0].labels) {
    const auto x = std::lround(label.x * 79.0 / 159.0), y = std::lround(label.y * 63.0 / 119.0);
    if (x >= 0 && expected[y / 8][x / 8].item<int64_t>() == kNoKeypoint)
      expected[y / 8][x / 8] = 8 * (y % 8) + x % 8;
  }
  EXPECT_TRUE(batch.cell_labels[0].equal(expected));
  EXPECT_TRUE(batch.cell_labels[1].equal(expected));
}

TEST(SuperPointData, OfTwoLabelsInACellTheFirstStays) {
  SuperPointDataOptions options = Options();
  options.batch_size = 1;
  options.min_region = options.max_region = 1;
  std::vector<ShardPhoto> photos = {TexturePhoto(1, 80, 64)};  // as large as the view
  photos[0].labels = {{19, 10, 0.9f}, {17, 12, 0.5f}};
  const SuperPointBatch batch = MakeBatch(photos, options, 0, 0);
  EXPECT_EQ(batch.cell_labels[0][1][2].item<int64_t>(), 8 * 2 + 3);
  EXPECT_EQ((batch.cell_labels[0] != kNoKeypoint).sum().item<int64_t>(), 1);
}

TEST(SuperPointData, PointsFromLabelsLieInLabelledCellsOfBothViews) {
  SuperPointDataOptions options = Options();
  options.label_share = 1;
  options.num_correspondences = 10;  // fewer than the photo's labels: none is filled up from elsewhere
  options.min_region = options.max_region = 0.9;
  options.homography.difficulty = 0.2;
  for (uint64_t step = 0; step < 5; ++step) {
    const SuperPointBatch batch = MakeBatch(Photos(), options, step);
    ASSERT_TRUE(batch.valid.all().item<bool>());
    for (int64_t view = 0; view < 2; ++view) {
      for (int64_t i = 0; i < 3; ++i) {
        const auto pixels = (view == 0 ? batch.points_a : batch.points_b)[i].round().to(torch::kLong);
        for (int64_t k = 0; k < 10; ++k) {
          const int64_t x = pixels[k][0].item<int64_t>(), y = pixels[k][1].item<int64_t>();
          const int64_t label = batch.cell_labels[3 * view + i][y / 8][x / 8].item<int64_t>();
          EXPECT_EQ(label, 8 * (y % 8) + x % 8)
              << "step " << step << ", view " << view << ", point " << x << ", " << y;
        }
      }
    }
  }
}

TEST(SuperPointData, APhotoWithoutLabelsStillHasCorrespondences) {
  std::vector<ShardPhoto> photos = {TexturePhoto(1)};
  photos[0].labels.clear();
  const SuperPointBatch batch = MakeBatch(photos, Options(), 0);
  EXPECT_TRUE(batch.cell_labels.eq(kNoKeypoint).all().item<bool>());
  EXPECT_GT(batch.valid.sum().item<int64_t>(), 60);
}

TEST(SuperPointData, PhotosAreDrawnByWeight) {
  std::vector<ShardPhoto> photos = {TexturePhoto(1), TexturePhoto(2)};
  photos[0].weight = 0;
  for (uint8_t& pixel : photos[0].pixels) pixel = 0;
  for (uint64_t step = 0; step < 5; ++step) {
    EXPECT_GT(MakeBatch(photos, Options(), step).images.mean({1, 2, 3}).min().item<double>(), 0.2);
  }
}

// Half precision of small whole numbers.
uint16_t HalfOf(int value) {
  uint16_t exponent = 25;
  while (value < 1024) {
    value *= 2;
    --exponent;
  }
  return static_cast<uint16_t>(exponent << 10 | (value & 1023));
}

// Photos whose teacher answers with (x, y) of the place itself.
std::vector<ShardPhoto> PlacesAsTargets() {
  std::vector<ShardPhoto> photos = Photos();
  for (ShardPhoto& photo : photos) {
    DescriptorTargets targets{photo.name, photo.width, photo.height, 2, {}, {}};
    for (int y = 1; y < photo.height; y += 8) {
      for (int x = 1; x < photo.width; x += 8) {
        targets.points.push_back({static_cast<float>(x), static_cast<float>(y), 1});
        targets.descriptors.insert(targets.descriptors.end(), {HalfOf(x), HalfOf(y)});
      }
    }
    photo.targets = std::make_shared<const DescriptorTargets>(targets);
  }
  return photos;
}

TEST(SuperPointData, TargetsAreThoseOfThePlaceThatBothViewsShow) {
  const auto photos = PlacesAsTargets();
  const SuperPointBatch batch = MakeBatch(photos, Options(), 4, 0);  // without warps: scale and shift only
  ASSERT_EQ(batch.targets.sizes(), (torch::IntArrayRef{3, 40, 2}));
  for (int64_t i = 0; i < 3; ++i) {
    const auto taught = batch.taught[i].nonzero().flatten();
    ASSERT_GE(taught.size(0), 8);
    EXPECT_LE(taught.size(0), 28);  // 0.7 of 40
    EXPECT_TRUE(batch.valid[i].index_select(0, taught).all().item<bool>());
    const auto place = batch.targets[i].index_select(0, taught);
    for (const auto& points : {batch.points_a, batch.points_b}) {
      // place = scale * pixel + shift in x and in y, exactly: compare differences with the first point's.
      const auto pixel = points[i].index_select(0, taught);
      const auto farthest = (pixel - pixel[0]).abs().amax(1).argmax().item<int64_t>();
      for (int64_t axis = 0; axis < 2; ++axis) {
        const auto p = pixel.select(1, axis), q = place.select(1, axis);
        if (std::abs((p[farthest] - p[0]).item<double>()) < 8) continue;
        const auto scale = (q[farthest] - q[0]) / (p[farthest] - p[0]);
        EXPECT_TRUE(TensorsNear(q - q[0], scale * (p - p[0]), 0.05));
      }
    }
    EXPECT_TRUE((batch.targets[i].abs().sum(1) > 0).equal(batch.taught[i]));
  }
}

TEST(SuperPointData, PhotosWithoutTargetsHaveNoneInTheBatch) {
  const SuperPointBatch batch = MakeBatch(Photos(), Options(), 0);
  EXPECT_FALSE(batch.targets.defined());
  EXPECT_FALSE(batch.taught.defined());
}

TEST(SuperPointData, CameraChangesChangeThePicturesAndNotTheirPlaces) {
  SuperPointDataOptions options = Options();
  const SuperPointBatch plain = MakeBatch(Photos(), options, 2);
  options.camera.probability = 1;
  const SuperPointBatch changed = MakeBatch(Photos(), options, 2);
  EXPECT_FALSE(SameBytes(plain.images, changed.images));
  EXPECT_TRUE(changed.images.ge(0).all().item<bool>() && changed.images.le(1).all().item<bool>());
  EXPECT_EQ(changed.points_a.sizes(), plain.points_a.sizes());
}

}  // namespace
}  // namespace colmatch
