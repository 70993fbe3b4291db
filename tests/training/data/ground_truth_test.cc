// Tests of ground-truth matches: hand-made layouts, symmetry, and a brute-force oracle.
#include "training/data/ground_truth.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "network/features.h"
#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

torch::Tensor Labels(const std::vector<int64_t>& values) { return torch::tensor(values, torch::kLong); }

// Twelve keypoints, 30 pixels from each other.
torch::Tensor Grid() {
  auto points = torch::empty({12, 2});
  for (int64_t i = 0; i < 12; ++i) {
    points[i][0] = 40 + 30 * (i % 4);
    points[i][1] = 40 + 30 * (i / 4);
  }
  return points;
}

torch::Tensor Moved(const torch::Tensor& points, double x, double y) {
  return points + torch::tensor({x, y}, torch::kFloat);
}

Homography Translation(double x, double y) {
  Homography h;
  h.m = {1, 0, x, 0, 1, y, 0, 0, 1};
  return h;
}

Homography SomeHomography(uint64_t seed) {
  Rng rng(seed, 0, 0);
  return HomographyFromCorners(ImageCorners(200, 160), SampleQuadrilateral(200, 160, {}, rng));
}

TEST(WarpPoints, AgreesWithTheHomographyPointByPoint) {
  const Homography h = SomeHomography(3);
  const auto points = torch::rand({20, 2}) * 200, warped = WarpPoints(points, h);
  EXPECT_EQ(warped.scalar_type(), torch::kFloat);
  for (int64_t i = 0; i < 20; ++i) {
    const Point2 p = h.Apply({points[i][0].item<double>(), points[i][1].item<double>()});
    EXPECT_NEAR(warped[i][0].item<double>(), p.x, 1e-4);
    EXPECT_NEAR(warped[i][1].item<double>(), p.y, 1e-4);
  }
}

TEST(GroundTruth, UnderTheIdentityEveryKeypointMatchesItself) {
  const auto labels = MatchByHomography(Grid(), Grid(), Homography(), {});
  EXPECT_TRUE(labels.matches0.equal(torch::arange(12, torch::kLong)));
  EXPECT_TRUE(labels.matches1.equal(torch::arange(12, torch::kLong)));
}

TEST(GroundTruth, OnePixelOffIsAMatchAndFivePixelsAreNone) {
  const auto near = MatchByHomography(Grid(), Moved(Grid(), 1, 0), Homography(), {});
  EXPECT_TRUE(near.matches0.equal(torch::arange(12, torch::kLong)));
  const auto far = MatchByHomography(Grid(), Moved(Grid(), 0, 5), Homography(), {});
  EXPECT_TRUE(far.matches0.equal(torch::full({12}, kUnmatched, torch::kLong)));
  EXPECT_TRUE(far.matches1.equal(torch::full({12}, kUnmatched, torch::kLong)));
}

TEST(GroundTruth, KeypointsThatLeaveTheOtherImageAreUnmatched) {
  const auto labels = MatchByHomography(Grid(), Grid(), Translation(1000, 0), {});
  EXPECT_TRUE(labels.matches0.equal(torch::full({12}, kUnmatched, torch::kLong)));
  EXPECT_TRUE(labels.matches1.equal(torch::full({12}, kUnmatched, torch::kLong)));
}

TEST(GroundTruth, BetweenTheTwoRadiiAKeypointIsIgnored) {
  GroundTruthOptions options;
  options.positive_px = 3;
  options.negative_px = 6;
  const auto label_at = [&](double offset) {
    const auto labels = MatchByHomography(
        torch::tensor({{50.f, 50.f}}), torch::tensor({{50.f + (float)offset, 50.f}}), Homography(), options);
    EXPECT_TRUE(labels.matches0.equal(labels.matches1)) << offset;
    return labels.matches0[0].item<int64_t>();
  };
  EXPECT_EQ(label_at(2.5), 0);
  EXPECT_EQ(label_at(4.5), kIgnored);
  EXPECT_EQ(label_at(5.5), kIgnored);
  EXPECT_EQ(label_at(6.5), kUnmatched);
}

TEST(GroundTruth, OfTwoCandidatesTheNearerMatchesAndTheOtherIsIgnored) {
  const auto one = torch::tensor({{50.f, 50.f}}), two = torch::tensor({{52.f, 50.f}, {49.f, 50.f}});
  const auto labels = MatchByHomography(one, two, Homography(), {});
  EXPECT_TRUE(labels.matches0.equal(Labels({1})));
  EXPECT_TRUE(labels.matches1.equal(Labels({kIgnored, 0})));
}

TEST(GroundTruth, TheCountsMayDiffer) {
  const auto few = Grid().narrow(0, 3, 2);
  const auto labels = MatchByHomography(few, Grid(), Homography(), {});
  EXPECT_TRUE(labels.matches0.equal(Labels({3, 4})));
  const auto u = kUnmatched;
  EXPECT_TRUE(labels.matches1.equal(Labels({u, u, u, 0, 1, u, u, u, u, u, u, u})));
}

TEST(GroundTruth, WithoutKeypointsNothingMatches) {
  const auto none = torch::zeros({0, 2});
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{0, 12}, {12, 0}, {0, 0}}) {
    const auto labels = MatchByHomography(n ? Grid() : none, m ? Grid() : none, Homography(), {});
    EXPECT_TRUE(labels.matches0.equal(torch::full({n}, kUnmatched, torch::kLong)));
    EXPECT_TRUE(labels.matches1.equal(torch::full({m}, kUnmatched, torch::kLong)));
  }
}

struct RandomScene {
  explicit RandomScene(uint64_t seed) : h1_from_0(SomeHomography(seed)) {
    keypoints0 = torch::rand({60, 2}) * torch::tensor({200.f, 160.f});
    const auto seen = WarpPoints(keypoints0.narrow(0, 0, 40), h1_from_0) + torch::randn({40, 2});
    keypoints1 = torch::cat({seen, torch::rand({15, 2}) * torch::tensor({200.f, 160.f})});
  }
  Homography h1_from_0;
  torch::Tensor keypoints0, keypoints1;
};

TEST(GroundTruth, OfKeypointsAtOnePlaceThoseMatchWhoseScalesDifferAsTheImagesDo) {
  // Image 1 shows everything twice as large; a fine and a coarse keypoint in each, the wrong pair nearer.
  const Homography h1_from_0{{2, 0, 0, 0, 2, 0, 0, 0, 1}};
  const auto keypoints0 = torch::tensor({{10.f, 10.f}, {10.3f, 10.f}}),
             keypoints1 = torch::tensor({{20.7f, 20.f}, {20.f, 20.1f}});
  const auto projected0 = WarpPoints(keypoints0, h1_from_0),
             projected1 = WarpPoints(keypoints1, h1_from_0.Inverse());
  const auto near = MatchByProjections(keypoints0, projected0, keypoints1, projected1, {});
  EXPECT_TRUE(near.matches0.equal(torch::tensor({1, 0}, torch::kLong)));
  const KeypointScales scales{torch::tensor({1.f, 2.f}), torch::tensor({2.f, 4.f})};
  const auto labels = MatchByProjections(keypoints0, projected0, keypoints1, projected1, {}, scales);
  EXPECT_TRUE(labels.matches0.equal(torch::tensor({0, 1}, torch::kLong)));
  EXPECT_TRUE(labels.matches1.equal(torch::tensor({0, 1}, torch::kLong)));
}

TEST(GroundTruth, OneScaleEverywhereChangesNoLabel) {
  const RandomScene scene(2);
  const auto projected0 = WarpPoints(scene.keypoints0, scene.h1_from_0),
             projected1 = WarpPoints(scene.keypoints1, scene.h1_from_0.Inverse());
  GroundTruthOptions options;
  options.px_per_octave = 1e-3;
  const auto plain = MatchByProjections(scene.keypoints0, projected0, scene.keypoints1, projected1, options);
  const auto scaled = MatchByProjections(scene.keypoints0, projected0, scene.keypoints1, projected1, options,
                                         {torch::ones({60}), torch::ones({55})});
  EXPECT_TRUE(scaled.matches0.equal(plain.matches0));
  EXPECT_TRUE(scaled.matches1.equal(plain.matches1));
}

TEST(GroundTruth, SwappingTheImagesSwapsTheLabels) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const RandomScene scene(seed);
    const GroundTruthOptions options{3, 5};
    const auto there = MatchByHomography(scene.keypoints0, scene.keypoints1, scene.h1_from_0, options);
    const auto back =
        MatchByHomography(scene.keypoints1, scene.keypoints0, scene.h1_from_0.Inverse(), options);
    EXPECT_TRUE(there.matches0.equal(back.matches1));
    EXPECT_TRUE(there.matches1.equal(back.matches0));
  }
}

// The larger of both directions' distances, point by point in double.
double ErrorOf(const RandomScene& scene, int64_t i, int64_t j) {
  const auto at = [](const torch::Tensor& points, int64_t k) {
    return Point2{points[k][0].item<double>(), points[k][1].item<double>()};
  };
  const Point2 a = at(scene.keypoints0, i), b = at(scene.keypoints1, j);
  const Point2 forward = scene.h1_from_0.Apply(a), backward = scene.h1_from_0.Inverse().Apply(b);
  return std::max(std::hypot(forward.x - b.x, forward.y - b.y),
                  std::hypot(backward.x - a.x, backward.y - a.y));
}

TEST(GroundTruth, MatchesAreTheMutualNearestOfABruteForceSearch) {
  const RandomScene scene(1);
  const auto labels = MatchByHomography(scene.keypoints0, scene.keypoints1, scene.h1_from_0, {});
  const int64_t n = scene.keypoints0.size(0), m = scene.keypoints1.size(0);
  std::vector<std::vector<double>> error(n, std::vector<double>(m));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < m; ++j) error[i][j] = ErrorOf(scene, i, j);
  }
  int64_t matched = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t j = std::min_element(error[i].begin(), error[i].end()) - error[i].begin();
    int64_t best = 0;
    for (int64_t k = 1; k < n; ++k) best = error[k][j] < error[best][j] ? k : best;
    const int64_t label = labels.matches0[i].item<int64_t>();
    if (best == i && error[i][j] < 3) {
      EXPECT_EQ(label, j) << i;
      EXPECT_EQ(labels.matches1[j].item<int64_t>(), i);
      ++matched;
    } else {
      EXPECT_LT(label, 0) << i;
    }
  }
  EXPECT_GT(matched, 25);
}

}  // namespace
}  // namespace colmatch
