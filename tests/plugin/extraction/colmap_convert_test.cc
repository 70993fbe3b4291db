// The half-pixel shift, and nothing lost on the way to the database and back.
#include "plugin/extraction/colmap_convert.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace colmatch {
namespace {

Features SomeFeatures(int64_t n) {
  return {torch::rand({n, 2}) * 300, torch::rand({n}), torch::randn({16, n}), 400, 300};
}

TEST(ColmapConvert, TheFirstPixelsCentreIsHalfAPixelInColmap) {
  Features features = SomeFeatures(1);
  features.keypoints = torch::zeros({1, 2});
  EXPECT_EQ(KeypointsForColmap(features).xy, (std::vector<float>{0.5f, 0.5f}));
}

TEST(ColmapConvert, ThereAndBackLosesNothing) {
  for (const int64_t n : {0, 1, 37}) {
    const Features features = SomeFeatures(n);
    const Features back = FeaturesFromColmap(KeypointsForColmap(features), DescriptorsForColmap(features),
                                             ScoresForColmap(features), 400, 300);
    EXPECT_EQ(back.size(), n);
    EXPECT_TRUE(torch::allclose(back.keypoints, features.keypoints, 0, 1e-4));
    EXPECT_TRUE(torch::equal(back.descriptors, features.descriptors));
    EXPECT_TRUE(torch::equal(back.scores, features.scores));
  }
}

TEST(ColmapConvert, ScalesAreAColumnOfTheirOwnWhereThereAreAny) {
  Features features = SomeFeatures(5);
  EXPECT_EQ(KeypointsForColmap(features).cols, 2);
  features.scales = torch::rand({5}) + 0.5;
  const KeypointsBlob rows = KeypointsForColmap(features);
  EXPECT_EQ(rows.cols, 4);
  const Features back =
      FeaturesFromColmap(rows, DescriptorsForColmap(features), ScoresForColmap(features), 400, 300);
  EXPECT_TRUE(back.scales.equal(features.scales));
  Features none = SomeFeatures(0);
  none.scales = torch::zeros({0});
  EXPECT_EQ(KeypointsForColmap(none).cols, 2);
}

TEST(ColmapConvert, ADescriptorRowBelongsToItsKeypoint) {
  const Features features = SomeFeatures(5);
  const Descriptors rows = DescriptorsForColmap(features);
  EXPECT_EQ(rows.rows, 5u);
  EXPECT_EQ(rows.dim, 16);
  EXPECT_EQ(rows.values[3 * 16 + 2], features.descriptors[2][3].item<float>());
}

}  // namespace
}  // namespace colmatch
