// Tests of the image pyramid: levels, the way back to the image, keypoints of several scales as one list.
#include "network/image_pyramid.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace colmatch {
namespace {

torch::Tensor RandomImage(int width, int height) {
  torch::manual_seed(7);
  return torch::rand({1, 1, height, width});
}

KeypointOptions Options(std::vector<double> scales) {
  KeypointOptions options;
  options.scales = std::move(scales);
  options.place_radius = 0;
  return options;
}

// Of a level: its corners' pixels, and how strong they are.
LevelExtraction CornersAsStrongAs(double score_of_small, double score_of_large) {
  return [=](const PyramidLevel& level, const KeypointOptions&) {
    const auto w = static_cast<float>(level.image.size(3)), h = static_cast<float>(level.image.size(2));
    const double score = level.scale() > 1 ? score_of_small : score_of_large;
    return Features{torch::tensor({{0.f, 0.f}, {w - 1, h - 1}}), torch::full({2}, score),
                    torch::zeros({3, 2})};
  };
}

TEST(ImagePyramid, ALevelsEdgesAreTheImages) {
  const PyramidLevel level = MakeLevel(RandomImage(101, 60), 0.5);
  EXPECT_EQ(level.image.sizes(), (torch::IntArrayRef{1, 1, 30, 51}));
  const auto edges = torch::tensor({{-0.5f, -0.5f}, {50.5f, 29.5f}});
  const auto expected = torch::tensor({{-0.5f, -0.5f}, {100.5f, 59.5f}});
  EXPECT_TRUE(level.ToOriginal(edges).allclose(expected, 1e-6, 1e-4));
  EXPECT_TRUE(level.FromOriginal(expected).allclose(edges, 1e-6, 1e-4));
}

TEST(ImagePyramid, ALevelThatChangesNothingIsTheImageItself) {
  const auto image = RandomImage(40, 30);
  const PyramidLevel level = MakeLevel(image, 1);
  EXPECT_TRUE(level.image.is_same(image));
  EXPECT_EQ(level.scale(), 1);
}

TEST(ImagePyramid, ASmallerLevelIsTheMeanOfWhatItsPixelsShow) {
  const auto image = RandomImage(64, 48);
  const PyramidLevel level = MakeLevel(image, 0.25);
  EXPECT_NEAR(level.image.mean().item<double>(), image.mean().item<double>(), 1e-2);
  // White noise: sixteen pixels together differ a quarter as much as one, and a little less.
  EXPECT_LT(level.image.std().item<double>(), 0.3 * image.std().item<double>());
}

TEST(ImagePyramid, KeypointsOfAllLevelsComeInTheImagesPixelsWithTheirScales) {
  const auto image = RandomImage(64, 48);
  const Features features = ExtractFromPyramid(image, Options({2, 1, 0.5}), CornersAsStrongAs(0.5, 0.5));
  EXPECT_TRUE(features.scales.allclose(torch::tensor({0.5f, 0.5f, 1.f, 1.f, 2.f, 2.f})));
  // The last pixel of each level ends where the image ends.
  for (int64_t i = 1; i < 6; i += 2) {
    const auto end = features.keypoints[i] + 0.5 * features.scales[i];
    EXPECT_TRUE(end.allclose(torch::tensor({63.5f, 47.5f}), 1e-5, 1e-4)) << i;
  }
  EXPECT_EQ(features.width, 64);
  EXPECT_EQ(features.height, 48);
}

TEST(ImagePyramid, TheStrongestOfAllLevelsAreKept) {
  KeypointOptions options = Options({1, 0.5});
  options.max_num_features = 2;
  const auto image = RandomImage(64, 48);
  EXPECT_TRUE(
      ExtractFromPyramid(image, options, CornersAsStrongAs(0.9, 0.1)).scales.equal(torch::full({2}, 2.f)));
  EXPECT_TRUE(
      ExtractFromPyramid(image, options, CornersAsStrongAs(0.1, 0.9)).scales.equal(torch::full({2}, 1.f)));
}

TEST(ImagePyramid, OfKeypointsOfSeveralScalesAtOnePlaceTheStrongestStaysWhereOptionsSaySo) {
  KeypointOptions options = Options({1, 0.5});
  const auto image = RandomImage(64, 48);
  EXPECT_EQ(ExtractFromPyramid(image, options, CornersAsStrongAs(0.1, 0.9)).size(), 4);
  options.place_radius = 2;  // the corners of the two levels are 0.7 pixels apart
  EXPECT_TRUE(
      ExtractFromPyramid(image, options, CornersAsStrongAs(0.1, 0.9)).scales.equal(torch::full({2}, 1.f)));
  EXPECT_TRUE(
      ExtractFromPyramid(image, options, CornersAsStrongAs(0.9, 0.1)).scales.equal(torch::full({2}, 2.f)));
}

TEST(ImagePyramid, TheImageAloneHasNoScales) {
  const auto image = RandomImage(64, 48);
  EXPECT_FALSE(ExtractFromPyramid(image, Options({1}), CornersAsStrongAs(0.5, 0.5)).scales.defined());
  EXPECT_TRUE(ExtractFromPyramid(image, Options({0.5}), CornersAsStrongAs(0.5, 0.5)).scales.defined());
}

TEST(ImagePyramid, TheBorderWithoutKeypointsIsAtLeastThatOfTheImage) {
  KeypointOptions options = Options({2, 1, 0.5});
  options.remove_borders = 5;
  std::vector<int> borders;
  ExtractFromPyramid(RandomImage(64, 48), options, [&](const PyramidLevel&, const KeypointOptions& own) {
    borders.push_back(own.remove_borders);
    return Features{torch::zeros({0, 2}), torch::zeros({0}), torch::zeros({3, 0})};
  });
  EXPECT_EQ(borders, (std::vector<int>{10, 5, 5}));
}

TEST(ImagePyramid, EachFeatureGoesBackToItsLevel) {
  const auto image = RandomImage(203, 151);
  std::vector<PyramidLevel> levels;
  for (const double scale : {1.4, 1.0, 0.7, 0.5}) levels.push_back(MakeLevel(image, scale));
  const Features features =
      ExtractFromPyramid(image, Options({1.4, 1, 0.7, 0.5}), CornersAsStrongAs(0.5, 0.5));
  EXPECT_TRUE(LevelsOf(features, levels).equal(torch::tensor({0, 0, 1, 1, 2, 2, 3, 3})));
  Features unscaled = features;
  unscaled.scales = torch::Tensor();
  EXPECT_TRUE(LevelsOf(unscaled, levels).equal(torch::full({8}, 1)));
}

// Descriptors that say the level: east in the image as it is, north in smaller ones.
LevelExtraction CornersWithDenseDescriptors() {
  return [](const PyramidLevel& level, const KeypointOptions& options) {
    const LevelFeatures corners = CornersAsStrongAs(0.5, 0.5)(level, options);
    DenseDescriptors dense{torch::zeros({1, 3, level.image.size(2) / 8, level.image.size(3) / 8}),
                           DescriptorSampling::kCellCentres};
    dense.map.select(1, level.scale() > 1 ? 1 : 0).fill_(1);
    return LevelFeatures(corners.features, dense);
  };
}

TEST(ImagePyramid, PooledDescriptorsAreTheMeanOfAllLevels) {
  const auto image = RandomImage(64, 48);
  KeypointOptions options = Options({1, 0.5});
  options.pooled_descriptors = true;
  const Features pooled = ExtractFromPyramid(image, options, CornersWithDenseDescriptors());
  const auto mean = torch::tensor({0.5f, 0.5f, 0.f}).sqrt().unsqueeze(1);
  EXPECT_TRUE(pooled.descriptors.allclose(mean.expand({3, 4}), 1e-5, 1e-6));
  options.pooled_descriptors = false;
  const Features own = ExtractFromPyramid(image, options, CornersWithDenseDescriptors());
  EXPECT_TRUE(own.descriptors.equal(torch::zeros({3, 4}))) << "those that the extraction gave";
  EXPECT_TRUE(own.keypoints.equal(pooled.keypoints));
}

TEST(ImagePyramid, PoolingNeedsSeveralScalesAndLeavesOutLevelsWithoutACell) {
  const auto image = RandomImage(12, 9);
  KeypointOptions options = Options({1});
  options.pooled_descriptors = true;
  EXPECT_FALSE(PoolsDescriptors(options));
  options.scales = {1, 0.5};
  EXPECT_TRUE(PoolsDescriptors(options));
  const auto first = MakeLevel(image, 1), second = MakeLevel(image, 0.5);
  const DenseDescriptors dense{torch::tensor({3.f, 4.f}).view({1, 2, 1, 1}) / 5,
                               DescriptorSampling::kCellCentres};
  const auto pooled = PooledDescriptors({{first, dense}, {second, {}}}, torch::tensor({{3.f, 4.f}}));
  EXPECT_TRUE(pooled.allclose(torch::tensor({{0.6f}, {0.8f}}), 1e-5, 1e-6));
}

TEST(ImagePyramid, ScalesThatCannotBeAreNamed) {
  EXPECT_EQ(ProblemOfScales({1.4, 1, 0.7}), "");
  EXPECT_EQ(ProblemOfScales({}), "");
  for (const std::vector<double>& scales :
       {std::vector<double>{0}, {-1}, {5}, {std::nan("")}, {1, 0.5, 1}, std::vector<double>(17, 1)})
    EXPECT_NE(ProblemOfScales(scales), "");
}

}  // namespace
}  // namespace colmatch
