// Pairs that contradict the others: rings of cameras around a building with alike sides.
#include "plugin/pairs/pair_consistency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <random>
#include <set>
#include <utility>

#include "tests/message_of.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Pairs = std::set<std::pair<int, int>>;

constexpr double kDegree = EIGEN_PI / 180;

Eigen::Matrix3d AboutUp(double degrees) {
  return Eigen::AngleAxisd(degrees * kDegree, Eigen::Vector3d::UnitY()).toRotationMatrix();
}

// Cameras on a ring, each turned by `step` degrees against the one before it.
class Ring {
 public:
  Ring(int size, double noise_deg, unsigned seed) : size_(size), noise_deg_(noise_deg), rng_(seed) {}

  double Angle(int photo) const { return 360.0 * photo / size_; }

  // What is seen of the pair: turned by `degrees`, with noise. Inliers by weight.
  void Add(int i, int j, double degrees, double inliers) {
    std::normal_distribution<double> noise(0, noise_deg_ * kDegree);
    const Eigen::Vector3d axis(noise(rng_), noise(rng_), noise(rng_));
    RotationEdge edge{i, j, {}, inliers, 1};
    edge.rotations = {Eigen::AngleAxisd(axis.norm(), axis.norm() > 0 ? Eigen::Vector3d(axis.normalized())
                                                                     : Eigen::Vector3d::UnitX()) *
                      AboutUp(degrees)};
    edges.push_back(edge);
  }
  // Neighbours up to `reach` on; rotations are seen `stretch` times as large.
  void AddNeighbors(int reach, double stretch = 1) {
    for (int i = 0; i < size_; ++i) {
      for (int step = 1; step <= reach; ++step) {
        const int j = (i + step) % size_;
        const double turn = stretch * step * 360.0 / size_;
        Add(std::min(i, j), std::max(i, j), i < j ? turn : -turn, 400.0 / step);
      }
    }
  }
  // Photos that see another side of the building as the same one.
  Pairs AddTwins(int sides, double inliers) {
    Pairs twins;
    for (int i = 0; i < size_; ++i) {
      for (int side = 1; side < sides; ++side) {
        const int j = (i + side * size_ / sides) % size_;
        if (i < j && twins.insert({i, j}).second) Add(i, j, 0, inliers);
      }
    }
    return twins;
  }

  std::vector<RotationEdge> edges;

 private:
  int size_;
  double noise_deg_;
  std::mt19937 rng_;
};

Pairs Found(int num_photos, const std::vector<RotationEdge>& edges) {
  Pairs pairs;
  for (const InconsistentPair& pair : FindInconsistentPairs(num_photos, edges))
    pairs.insert({pair.i, pair.j});
  return pairs;
}

TEST(PairConsistency, FindsTheTwinsOfABuildingWithFourAlikeSides) {
  Ring ring(32, 2, 1);
  ring.AddNeighbors(3);
  const Pairs twins = ring.AddTwins(4, 250);
  EXPECT_EQ(twins.size(), 48u);
  EXPECT_EQ(Found(32, ring.edges), twins);
}

TEST(PairConsistency, FindsTwinsThatAgreeWithEachOther) {
  // Every photo of one side with every photo of the opposite one: all their triangles close.
  Ring ring(40, 2, 2);
  ring.AddNeighbors(3);
  Pairs twins;
  for (int i = 0; i < 5; ++i) {
    for (int j = 20; j < 25; ++j) {
      ring.Add(i, j, ring.Angle(j - 20) - ring.Angle(i), 300);
      twins.insert({i, j});
    }
  }
  EXPECT_EQ(Found(40, ring.edges), twins);
}

TEST(PairConsistency, LosesNoTruePairWhereFocalLengthsAreWrong) {
  for (const double stretch : {0.8, 0.9, 1.1, 1.25}) {
    Ring ring(36, 3, 3);
    ring.AddNeighbors(3, stretch);  // the ring fails to close by 36 to 90 degrees
    EXPECT_THAT(Found(36, ring.edges), IsEmpty()) << stretch;
  }
}

TEST(PairConsistency, LosesNoTruePairToNoise) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    Ring ring(60, 6, seed);
    ring.AddNeighbors(4);
    EXPECT_THAT(Found(60, ring.edges), IsEmpty()) << seed;
  }
}

TEST(PairConsistency, TakesTheChoiceThatFits) {
  Ring ring(24, 1, 4);
  ring.AddNeighbors(2);
  const size_t weakest = ring.edges.size() - 1;
  ring.edges[weakest].rotations.insert(ring.edges[weakest].rotations.begin(), AboutUp(120));
  EXPECT_THAT(Found(24, ring.edges), IsEmpty());
}

TEST(PairConsistency, SaysNothingWhereNothingContradicts) {
  EXPECT_THAT(Found(0, {}), IsEmpty());
  EXPECT_THAT(Found(3, {}), IsEmpty());
  EXPECT_THAT(Found(2, {{0, 1, {AboutUp(170)}, 80, 1}}), IsEmpty()) << "a pair alone";
  EXPECT_THAT(Found(3, {{0, 1, {AboutUp(10)}, 80, 1}, {1, 2, {AboutUp(150)}, 80, 1}}), IsEmpty())
      << "no way round";
  EXPECT_THAT(Found(3, {{0, 1, {AboutUp(10)}, 90, 1}, {1, 2, {AboutUp(10)}, 90, 1}, {0, 2, {}, 20, 1}}),
              IsEmpty())
      << "without rotation";
  const auto triangle = [](double inliers) {
    return std::vector<RotationEdge>{
        {0, 1, {AboutUp(10)}, 90, 1}, {1, 2, {AboutUp(10)}, 90, 1}, {0, 2, {AboutUp(120)}, inliers, 1}};
  };
  EXPECT_EQ(Found(3, triangle(60)), (Pairs{{0, 2}}));
  EXPECT_THAT(Found(3, triangle(30)), IsEmpty()) << "what 30 points say of a rotation is not worth naming";
}

TEST(PairConsistency, RefusesOptionsOutOfRange) {
  PairConsistencyOptions options;
  options.max_off_deg = 0;
  EXPECT_THAT(MessageOf<UsageError>([&] { FindInconsistentPairs(0, {}, options); }),
              HasSubstr("max_off_deg"));
  options.max_off_deg = 40;
  options.num_sweeps = -1;
  EXPECT_THAT(MessageOf<UsageError>([&] { FindInconsistentPairs(0, {}, options); }), HasSubstr("num_sweeps"));
}

}  // namespace
}  // namespace colmatch
