// Tests of the area under the cumulative error curve, against curves worked out by hand.
#include "evaluation/auc.h"

#include <gtest/gtest.h>

#include <limits>

namespace colmatch {
namespace {

constexpr double kFailure = std::numeric_limits<double>::infinity();

struct Curve {
  const char* name;
  std::vector<double> errors;
  double threshold, area;
};

// (0, 0), then (error i, (i + 1) / n), then flat to the threshold.
TEST(AreaUnderCurve, AgreesWithCurvesWorkedOutByHand) {
  const Curve curves[] = {
      {"all exact", {0, 0, 0}, 5, 1},
      {"one error", {2}, 4, (0.5 * 2 * 1 + 2 * 1) / 4},
      {"two errors", {1, 3}, 5, (0.25 + 2 * 0.75 + 2 * 1) / 5},
      {"in any order", {3, 1}, 5, (0.25 + 2 * 0.75 + 2 * 1) / 5},
      {"one beyond", {1, 7}, 5, (0.25 + 4 * 0.5) / 5},
      {"a failure counts as one beyond", {1, kFailure}, 5, (0.25 + 4 * 0.5) / 5},
      {"at the threshold is beyond", {5}, 5, 0},
      {"all beyond", {6, 7, 8}, 5, 0},
      {"all failed", {kFailure, kFailure}, 10, 0},
      {"half exact, half failed", {kFailure, 0}, 3, 0.5},
      {"twice the same", {2, 2}, 4, (0.5 * 2 * 0.5 + 2 * 1) / 4},
      {"nothing", {}, 3, 0},
  };
  for (const Curve& curve : curves)
    EXPECT_NEAR(AreaUnderCurve(curve.errors, curve.threshold), curve.area, 1e-12) << curve.name;
}

TEST(AreaUnderCurve, FallsWhenAnyErrorGrows) {
  const std::vector<double> errors = {0.5, 1.5, 4, 20};
  const double area = AreaUnderCurve(errors, 5);
  for (size_t i = 0; i < 3; ++i) {
    std::vector<double> worse = errors;
    worse[i] += 0.7;
    EXPECT_LT(AreaUnderCurve(worse, 5), area) << i;
  }
}

TEST(AreaUnderCurve, LiesBetween0And1) {
  for (const double threshold : {0.1, 3.0, 5.0, 10.0}) {
    const double area = AreaUnderCurve({0, 0.01, 0.3, 2, 6, kFailure}, threshold);
    EXPECT_GE(area, 0);
    EXPECT_LE(area, 1);
  }
}

}  // namespace
}  // namespace colmatch
