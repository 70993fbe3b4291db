// Tests of distinct places.
#include "evaluation/places.h"

#include <gtest/gtest.h>

namespace colmatch {
namespace {

TEST(Places, PointsWithinTheRadiusOfAnEarlierOneAreItsPlace) {
  EXPECT_EQ(CountPlaces({}), 0);
  EXPECT_EQ(CountPlaces({{10, 10}, {12, 11}, {10, 10}}), 1);
  EXPECT_EQ(CountPlaces({{10, 10}, {13, 10}}), 1) << "the radius belongs to the place";
  EXPECT_EQ(CountPlaces({{10, 10}, {13.1f, 10}}), 2);
}

TEST(Places, APointThatWasTakenTakesNoOther) {
  // The second is the first one's; the third is far from the first, however near to the second.
  EXPECT_EQ(CountPlaces({{0, 0}, {2, 0}, {4, 0}}), 2);
}

}  // namespace
}  // namespace colmatch
