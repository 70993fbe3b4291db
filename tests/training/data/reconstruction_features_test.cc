// Tests of features of reconstructed scenes: where keypoints lie in another photo, which photos form groups,
// and what is said of keypoints whose depth nobody knows.
#include "training/data/reconstruction_features.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "network/features.h"
#include "tests/temporary_folder.h"
#include "tests/training/training_test_util.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr int kKeypoints = 20;

// A camera of focal length 100 px, centre (80, 60), at (x, 0, 0), that looks along z.
std::array<double, 12> CameraAt(double x) { return {100, 0, 80, -100 * x, 0, 100, 60, 0, 0, 0, 1, 0}; }

// A wall at depth 5 seen from beside it, step by step; points 10 px apart on it.
Reconstruction Wall(const std::string& name, int num_views, double step = 0.2) {
  Reconstruction wall{name, {}};
  for (int v = 0; v < num_views; ++v) {
    const ShardPhoto photo = TexturePhoto(static_cast<uint64_t>(v));
    ReconstructedView view;
    view.name = std::to_string(v);
    view.width = photo.width;
    view.height = photo.height;
    view.pixels = photo.pixels;
    view.projection = CameraAt(step * v);
    for (uint64_t y = 0; y < 12; ++y) {
      for (uint64_t x = 0; x < 16; ++x)
        view.points.push_back(
            {100 * y + x, 0.5 * static_cast<double>(x) - 4 + step * v, 0.5 * static_cast<double>(y) - 3, 5});
    }
    wall.views.push_back(view);
  }
  return wall;
}

ReconstructionFeatureOptions Options() {
  ReconstructionFeatureOptions options;
  options.views.views_per_photo = 2;
  options.views.view_width = 64;
  options.views.view_height = 48;
  options.views.num_keypoints = kKeypoints;
  options.views.keypoints.keypoint_threshold = 0;
  options.groups_per_view = 2;
  return options;
}

FeatureSet Make(const std::vector<Reconstruction>& scenes,
                const ReconstructionFeatureOptions& options = Options()) {
  torch::manual_seed(1);
  SuperPoint network(SuperPointArchitecture{{4, 4, 8, 8}, 8, 8, false});
  return MakeReconstructionFeatures(network, scenes, options, nullptr);
}

FeatureSet Warps() {
  torch::manual_seed(1);
  SuperPoint network(SuperPointArchitecture{{4, 4, 8, 8}, 8, 8, false});
  FeatureSetOptions options = Options().views;
  options.scenes_per_photo = 1;
  return MakeFeatureSet(network, {TexturePhoto(7), TexturePhoto(8)}, options, nullptr);
}

// Into one view.
torch::Tensor ProjectInto(const torch::Tensor& keypoints, const ViewGeometry& from,
                          const std::vector<ScenePoint3D>& points, const ViewGeometry& to,
                          double max_distance_px) {
  return ProjectKeypoints(keypoints, from, points, {to}, max_distance_px)[0];
}

TEST(ProjectKeypoints, GoToWhereTheOtherCameraSeesThemAtTheirPointsDepth) {
  // At depth 5 a step of 0.2 to the right moves everything 4 px to the left.
  const std::vector<ScenePoint3D> points = {{1, 0, 0, 5}};
  const auto keypoints = torch::tensor({{81.0f, 60.5f}, {120.0f, 60.0f}});
  const auto there = ProjectInto(keypoints, {CameraAt(0), {}}, points, {CameraAt(0.2), {}}, 2);
  EXPECT_NEAR(there[0][0].item<float>(), 77, 1e-4);
  EXPECT_NEAR(there[0][1].item<float>(), 60.5, 1e-4);
  EXPECT_TRUE(torch::isnan(there[1]).all().item<bool>()) << "no point is near it";
}

TEST(ProjectKeypoints, TheNearestPointGivesTheDepth) {
  const std::vector<ScenePoint3D> points = {{1, 0, 0, 5}, {2, 0.01, 0, 1}};  // at (80, 60) and (81, 60)
  const auto there =
      ProjectInto(torch::tensor({{80.9f, 60.0f}}), {CameraAt(0), {}}, points, {CameraAt(0.2), {}}, 2);
  EXPECT_NEAR(there[0][0].item<float>(), 80.9 - 20, 1e-4);
}

TEST(ProjectKeypoints, FollowTheWarpsOfBothViews) {
  const Homography from{{2, 0, 5, 0, 2, -3, 0, 0, 1}}, to{{0, -1, 90, 1, 0, 0, 0, 0, 1}};
  const auto there = ProjectInto(torch::tensor({{165.0f, 117.0f}}), {CameraAt(0), from}, {{1, 0, 0, 5}},
                                 {CameraAt(0.2), to}, 2);  // (80, 60) of the photo, (76, 60) of the other
  EXPECT_NEAR(there[0][0].item<float>(), 30, 1e-4);
  EXPECT_NEAR(there[0][1].item<float>(), 76, 1e-4);
}

TEST(ProjectKeypoints, WhatLiesBehindTheOtherCameraIsFarOutside) {
  auto behind = CameraAt(0);
  for (size_t i = 8; i < 12; ++i) behind[i] = -behind[i];
  const auto there =
      ProjectInto(torch::tensor({{80.0f, 60.0f}}), {CameraAt(0), {}}, {{1, 0, 0, 5}}, {behind, {}}, 2);
  EXPECT_LT(there[0][0].item<float>(), -1e5);
}

TEST(ReconstructionFeatures, HaveTheDocumentedShapes) {
  const FeatureSet set = Make({Wall("a", 3), Wall("b", 2)});
  EXPECT_EQ(set.num_reconstructed(), 10);  // two groups of each of five photos
  EXPECT_EQ(set.keypoints.sizes(), (torch::IntArrayRef{20, kKeypoints, 2}));
  EXPECT_EQ(set.projections.sizes(), (torch::IntArrayRef{10, 2, 2, kKeypoints, 2}));
  EXPECT_EQ(set.num_photos(), 0);
  EXPECT_EQ(set.reconstructions.sum().item<int64_t>(), 4);
}

TEST(ReconstructionFeatures, AKeypointSeenFromItsOwnViewIsWhereItIs) {
  const FeatureSet set = Make({Wall("a", 3)});
  int known = 0;
  for (int64_t group = 0; group < set.num_reconstructed(); ++group) {
    const auto there = set.projections[group][0][0], here = set.keypoints[2 * group];
    const auto seen = torch::isfinite(there.select(1, 0)).nonzero().squeeze(1);
    known += static_cast<int>(seen.numel());
    EXPECT_LT((there.index_select(0, seen) - here.index_select(0, seen)).abs().max().item<float>(), 1e-2);
  }
  EXPECT_GT(known, 0);
}

TEST(ReconstructionFeatures, TheSameSeedGivesTheSameGroups) {
  EXPECT_TRUE(SameBytes(Make({Wall("a", 4)}).descriptors, Make({Wall("a", 4)}).descriptors));
  auto other = Options();
  other.views.seed = 1;
  EXPECT_FALSE(SameBytes(Make({Wall("a", 4)}).descriptors, Make({Wall("a", 4)}, other).descriptors));
}

TEST(ReconstructionFeatures, PhotosThatShareTooLittleFormNoGroup) {
  Reconstruction wall = Wall("a", 3);
  wall.views[2].points.resize(29);
  EXPECT_EQ(Make({wall}).num_reconstructed(), 4);
  wall.views[1].points.resize(29);
  EXPECT_THROW(Make({wall}), InputError);
}

TEST(ReconstructionFeatures, GroupsLargerThanTheirSceneTakePhotosAgain) {
  auto options = Options();
  options.views.views_per_photo = 5;
  EXPECT_EQ(Make({Wall("a", 2)}, options).keypoints.size(0), 20);
}

TEST(MatchViews, OfAReconstructionIgnoresKeypointsOfUnknownDepth) {
  FeatureSet set = Make({Wall("a", 2)});
  const float unknown = std::nanf("");
  set.keypoints[0].narrow(0, 0, 4).copy_(
      torch::tensor({{10.f, 10.f}, {20.f, 10.f}, {30.f, 10.f}, {40.f, 10.f}}));
  set.keypoints[1].narrow(0, 0, 4).copy_(
      torch::tensor({{11.f, 10.f}, {21.f, 10.f}, {31.f, 30.f}, {41.f, 10.f}}));
  // The first is in both; of the second the other photo does not know the depth; the third is not found; of
  // the last nothing is known.
  set.projections[0][0][1].narrow(0, 0, 4).copy_(
      torch::tensor({{11.f, 10.f}, {21.f, 10.f}, {31.f, 10.f}, {unknown, unknown}}));
  set.projections[0][1][0].narrow(0, 0, 4).copy_(
      torch::tensor({{10.f, 10.f}, {unknown, unknown}, {30.f, 30.f}, {unknown, unknown}}));
  const auto labels = MatchViews(set, 0, 1, 4, {});
  EXPECT_TRUE(labels.matches0.equal(torch::tensor({int64_t{0}, kIgnored, kUnmatched, kIgnored})));
  EXPECT_TRUE(labels.matches1.equal(torch::tensor({int64_t{0}, kIgnored, kUnmatched, kIgnored})));
}

TEST(FeatureSet, JoinedHasTheWarpsFirstAndKnowsWhichGroupsMayShowTheSame) {
  const FeatureSet warps = Warps(), views = Make({Wall("a", 2), Wall("b", 2)});
  const FeatureSet both = Joined(warps, views);
  EXPECT_EQ(both.num_photos(), 2);
  EXPECT_EQ(both.num_scenes, 2);
  EXPECT_EQ(both.num_reconstructed(), 8);
  EXPECT_EQ(both.num_groups(), 12);
  EXPECT_LT(both.ReconstructedGroup(7), 0);
  EXPECT_EQ(both.ReconstructedGroup(8), 0);
  EXPECT_TRUE(both.MayShow(4, 7)) << "both of a";
  EXPECT_FALSE(both.MayShow(4, 8)) << "a and b";
  EXPECT_FALSE(both.MayShow(0, 4));
  const auto direct = MatchViews(views, 2, 3, kKeypoints, {}),
             joined = MatchViews(both, 10, 11, kKeypoints, {});
  EXPECT_TRUE(joined.matches0.equal(direct.matches0));
  EXPECT_TRUE(MatchViews(both, 2, 3, kKeypoints, {})
                  .matches0.equal(MatchViews(warps, 2, 3, kKeypoints, {}).matches0));
}

TEST(FeatureSet, ThatDifferInSizeCannotBeJoined) {
  auto options = Options();
  options.views.views_per_photo = 3;
  EXPECT_THROW(Joined(Warps(), Make({Wall("a", 2)}, options)), UsageError);
}

TEST(FeatureSet, OfReconstructionsComesBackFromItsFileUnchanged) {
  const TemporaryFolder folder;
  FeatureSet set = Make({Wall("a", 2)});
  set.provenance = "superpoint abc\n";
  SaveFeatureSet(set, folder.File("views.pt"));
  const FeatureSet read = LoadFeatureSet(folder.File("views.pt"), set.provenance);
  EXPECT_TRUE(SameBytes(read.projections, set.projections));
  EXPECT_TRUE(SameBytes(read.reconstructions, set.reconstructions));
  EXPECT_TRUE(SameBytes(read.planes, set.planes));
  EXPECT_EQ(read.num_reconstructed(), set.num_reconstructed());
}

}  // namespace
}  // namespace colmatch
