// Tiles find what the whole image gives, each keypoint once; refused keypoints leave room for others.
#include "matcher/tiled_extraction.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <set>
#include <utility>

#include "matcher/feature_extractor.h"
#include "util/error.h"

namespace colmatch {
namespace {

SuperPoint SmallNetwork() {
  torch::manual_seed(3);
  SuperPointArchitecture architecture{{4, 4, 8, 8}, 8, 12, false};
  architecture.sampling = DescriptorSampling::kCellCentres;
  SuperPoint network(architecture);
  network->eval();
  return network;
}

KeypointOptions AllKeypoints() {
  KeypointOptions options;
  options.max_num_features = 0;
  options.keypoint_threshold = 0;
  return options;
}

torch::Tensor RandomImage(int width, int height) {
  torch::manual_seed(11);
  return torch::rand({1, 1, height, width});
}

// Keypoints by their place in thousandths of a pixel's hundreds: the last bits of sums differ.
std::map<std::pair<int64_t, int64_t>, int64_t> Places(const Features& features) {
  std::map<std::pair<int64_t, int64_t>, int64_t> places;
  const auto xy = (features.keypoints * 100).round().to(torch::kLong).contiguous();
  for (int64_t i = 0; i < xy.size(0); ++i)
    places[{xy.data_ptr<int64_t>()[2 * i], xy.data_ptr<int64_t>()[2 * i + 1]}] = i;
  return places;
}

// How many of a's keypoints b has too, with the same score and descriptor.
int64_t NumShared(const Features& a, const Features& b) {
  const auto places = Places(b);
  int64_t shared = 0;
  for (const auto& [place, i] : Places(a)) {
    for (const int64_t dx : {0, -1, 1}) {
      for (const int64_t dy : {0, -1, 1}) {
        const auto found = places.find({place.first + dx, place.second + dy});
        if (found == places.end()) continue;
        const auto j = found->second;
        shared += (a.scores[i] - b.scores[j]).abs().item<float>() < 1e-5 &&
                  (a.descriptors.select(1, i) - b.descriptors.select(1, j)).abs().max().item<float>() < 1e-3;
      }
    }
  }
  return shared;
}

int SmallestTile(const KeypointOptions& options) { return 2 * TileMargin(options) + 64; }

TEST(TiledExtraction, TilesGiveTheKeypointsOfTheWholeImageEachOnce) {
  SuperPoint network = SmallNetwork();
  const KeypointOptions options = AllKeypoints();
  for (const auto& [width, height] : {std::pair{421, 355}, std::pair{600, 90}, std::pair{25, 700}}) {
    SCOPED_TRACE(width);
    const auto image = RandomImage(width, height);
    const Features whole = ExtractInTiles(network, image, options, 0);
    const Features tiled = ExtractInTiles(network, image, options, SmallestTile(options));
    ASSERT_GT(whole.size(), 20);
    EXPECT_EQ(tiled.size(), whole.size());
    EXPECT_EQ(NumShared(tiled, whole), whole.size());
    EXPECT_EQ(tiled.width, width);
    EXPECT_EQ(tiled.height, height);
  }
}

TEST(TiledExtraction, TheStrongestOfAllTilesAreKept) {
  SuperPoint network = SmallNetwork();
  KeypointOptions options = AllKeypoints();
  options.max_num_features = 150;
  const auto image = RandomImage(421, 355);
  const Features whole = ExtractInTiles(network, image, options, 0);
  const Features tiled = ExtractInTiles(network, image, options, SmallestTile(options));
  EXPECT_EQ(tiled.size(), 150);
  EXPECT_EQ(NumShared(tiled, whole), 150);
}

TEST(TiledExtraction, WithoutTilesAndFilterItIsTheExtractorByte) {
  LoadedSuperPoint weights;
  weights.network = SmallNetwork();
  KeypointOptions options = AllKeypoints();
  for (const int max_num_features : {0, 40}) {
    options.max_num_features = max_num_features;
    auto image = RandomImage(203, 150);
    torch::NoGradGuard no_grad;
    const Features expected = ExtractFeatures(weights.network, image, options);
    for (const Features& found :
         {ExtractInTiles(weights.network, image, options, 0),
          FeatureExtractor(weights, options, torch::kCPU).Extract(image.data_ptr<float>(), 203, 150)}) {
      EXPECT_TRUE(found.keypoints.equal(expected.keypoints));
      EXPECT_TRUE(found.scores.equal(expected.scores));
      EXPECT_TRUE(found.descriptors.equal(expected.descriptors));
    }
  }
}

TEST(TiledExtraction, TilesGiveTheDenseDescriptorsOfTheWholeImage) {
  SuperPoint network = SmallNetwork();
  const KeypointOptions options = AllKeypoints();
  for (const auto& [width, height] : {std::pair{421, 355}, std::pair{600, 90}, std::pair{25, 700}}) {
    SCOPED_TRACE(width);
    const auto image = RandomImage(width, height);
    DenseDescriptors whole, tiled;
    ExtractInTiles(network, image, options, 0, {}, torch::kCPU, &whole);
    ExtractInTiles(network, image, options, SmallestTile(options), {}, torch::kCPU, &tiled);
    ASSERT_EQ(whole.map.sizes(), (torch::IntArrayRef{1, 12, height / 8, width / 8}));
    EXPECT_TRUE(tiled.map.allclose(whole.map, 1e-3, 1e-4));
    EXPECT_EQ(tiled.sampling, DescriptorSampling::kCellCentres);
  }
  DenseDescriptors none;
  ExtractInTiles(network, RandomImage(5, 3), options, 0, {}, torch::kCPU, &none);
  EXPECT_FALSE(none.map.defined()) << "less than a cell";
}

TEST(TiledExtraction, PooledDescriptorsAreTheSameWithTiles) {
  LoadedSuperPoint weights;
  torch::manual_seed(3);
  SuperPointArchitecture architecture{{4, 4, 8, 8}, 8, 12, false};
  architecture.sampling = DescriptorSampling::kCellCentres;
  architecture.scales = {1, 0.5, 0.0625};  // the last has less than a cell
  architecture.pooled_descriptors = true;
  weights.network = SuperPoint(architecture);
  weights.network->eval();
  FeatureExtractor extractor(weights, AllKeypoints(), torch::kCPU);
  auto image = RandomImage(721, 100);
  const Features whole = extractor.Extract(image.data_ptr<float>(), 721, 100);
  const Features tiled =
      extractor.ExtractTiled(image.data_ptr<float>(), 721, 100, SmallestTile(AllKeypoints()), {});
  ASSERT_GT(whole.size(), 100);
  EXPECT_EQ(tiled.size(), whole.size());
  EXPECT_EQ(NumShared(tiled, whole), whole.size());
  EXPECT_TRUE(whole.descriptors.norm(2, 0).allclose(torch::ones({whole.size()}), 1e-4, 1e-5));
}

TEST(TiledExtraction, RefusedKeypointsLeaveTheirPlaceToOthers) {
  SuperPoint network = SmallNetwork();
  KeypointOptions options = AllKeypoints();
  options.max_num_features = 100;
  const auto image = RandomImage(421, 355);
  const KeypointFilter right_half = [](const torch::Tensor& xy) { return xy.select(1, 0) >= 210; };
  for (const int tile_size : {0, SmallestTile(options)}) {
    const Features features = ExtractInTiles(network, image, options, tile_size, right_half);
    EXPECT_EQ(features.size(), 100);
    EXPECT_GE(features.keypoints.select(1, 0).min().item<float>(), 210);
  }
  const KeypointFilter nothing = [](const torch::Tensor& xy) {
    return torch::zeros({xy.size(0)}, torch::kBool);
  };
  const Features none = ExtractInTiles(network, image, options, 0, nothing);
  EXPECT_EQ(none.size(), 0);
  EXPECT_EQ(none.descriptors.size(0), 12);
}

TEST(TiledExtraction, ATileWithoutRoomBetweenItsMarginsIsRefused) {
  SuperPoint network = SmallNetwork();
  const KeypointOptions options = AllKeypoints();
  EXPECT_THROW(ExtractInTiles(network, RandomImage(64, 64), options, SmallestTile(options) - 1), UsageError);
  EXPECT_THROW(ExtractInTiles(network, RandomImage(64, 64), options, -1), UsageError);
  EXPECT_EQ(ExtractInTiles(network, RandomImage(5, 3), options, 0).size(), 0);
}

}  // namespace
}  // namespace colmatch
