// Which pairs a report shows.
#include "plugin/reconstruction/report_pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace colmatch {
namespace {

using testing::HasSubstr;

TEST(ReportPictures, AreOfTheWorstVerifiedAndTheBestUnverifiedPairsToo) {
  std::vector<ReportPair> pairs;
  for (int k = 0; k < 20; ++k) pairs.push_back({k, k + 1, 500, 20 + 10 * k, "CALIBRATED"});
  for (int k = 0; k < 10; ++k) pairs.push_back({k, k + 5, 10 * k, 0, "DEGENERATE"});
  const auto chosen = ChoosePictures(pairs, 6);
  ASSERT_EQ(chosen.size(), 6u + 2 + 3) << "the very worst is among the six";
  EXPECT_EQ(chosen[0].pair.num_inliers, 210);
  EXPECT_EQ(chosen[5].pair.num_inliers, 20);
  EXPECT_THAT(chosen[6].why, HasSubstr("worst verified"));
  EXPECT_EQ(chosen[7].pair.num_inliers, 30);
  EXPECT_THAT(chosen[8].why, HasSubstr("not verified"));
  EXPECT_EQ(chosen[8].pair.num_matches, 90);
  EXPECT_TRUE(ChoosePictures({}, 6).empty());
  EXPECT_TRUE(ChoosePictures(pairs, 0).empty());
}

}  // namespace
}  // namespace colmatch
