// Why nothing was reconstructed, cause by cause.
#include "plugin/reconstruction/reconstruction_failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace colmatch {
namespace {

using testing::HasSubstr;
using testing::Not;

// Three photos with many keypoints, every pair looked at.
ReportData ReportOf(int inliers01, int inliers02) {
  ReportData report;
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg"}) {
    ReportImage image;
    image.name = name;
    image.num_keypoints = 1000;
    report.images.push_back(image);
  }
  report.pairs = {{0, 1, 200, inliers01, ""}, {0, 2, 200, inliers02, ""}, {1, 2, 10, 0, ""}};
  return report;
}

constexpr char kNoPair[] = "Finding good initial image pair\n  => No good initial image pair found.\n";

TEST(ExplainFailure, WithoutPhotosOrWithOneThereIsNothingToMatch) {
  ReportData none;
  none.skipped = {{"broken.jpg", "truncated"}};
  EXPECT_THAT(ExplainFailure(none, "").reason, HasSubstr("no photo to work on; 1 input could not be used"));
  ReportData one = ReportOf(0, 0);
  one.images.resize(1);
  one.pairs.clear();
  EXPECT_THAT(ExplainFailure(one, kNoPair).reason, HasSubstr("only one photo"));
}

TEST(ExplainFailure, PhotosWithoutTextureAreToldFromPhotosOfDifferentThings) {
  ReportData blurred = ReportOf(0, 0);
  blurred.images[0].num_keypoints = blurred.images[2].num_keypoints = 7;
  EXPECT_THAT(ExplainFailure(blurred, kNoPair).reason,
              HasSubstr("2 of 3 photos have fewer than 100 keypoints"));
  EXPECT_THAT(ExplainFailure(ReportOf(0, 0), kNoPair).reason, HasSubstr("none of 3 pairs was verified"));
}

TEST(ExplainFailure, AWeakBestPairIsNamedWithWhatTheMapperWants) {
  const auto weak = ExplainFailure(ReportOf(20, 54), kNoPair);
  EXPECT_THAT(weak.reason,
              HasSubstr("2 of 3 pairs were verified, and the best (a.jpg - c.jpg) has 54 inliers "
                        "where the mapper wants 100"));
  EXPECT_FALSE(weak.advice.empty());
}

TEST(ExplainFailure, AStrongBestPairWithoutAModelIsAMatterOfAngles) {
  EXPECT_THAT(ExplainFailure(ReportOf(500, 54), kNoPair).reason, HasSubstr("two clearly different places"));
}

TEST(ExplainFailure, WhatTheMapperSaidLastIsQuotedWhereItIsNotTheInitialPair) {
  const auto other = ExplainFailure(ReportOf(500, 54), "Loading database\nERROR: no space left\n\n");
  EXPECT_THAT(other.reason, HasSubstr("ERROR: no space left"));
  EXPECT_THAT(other.reason, Not(HasSubstr("initial pair")));
}

}  // namespace
}  // namespace colmatch
