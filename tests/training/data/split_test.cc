// Tests of which photos are held out.
#include "training/data/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace colmatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SplitPhotos, HoldsOutEveryNthPhotoAndTrainsOnTheOthers) {
  const PhotoSplit split = SplitPhotos(10, 0.25);
  EXPECT_THAT(split.validation, ElementsAre(3, 7));
  EXPECT_THAT(split.training, ElementsAre(0, 1, 2, 4, 5, 6, 8, 9));
}

TEST(SplitPhotos, OfAFewPhotosTheLastIsHeldOut) {
  const PhotoSplit split = SplitPhotos(5, kValidationShare);
  EXPECT_THAT(split.validation, ElementsAre(4));
  EXPECT_THAT(split.training, ElementsAre(0, 1, 2, 3));
}

TEST(SplitPhotos, NeverMoreThanHalfIsHeldOut) {
  for (const double share : {0.5, 0.7, 1.0, 5.0}) {
    EXPECT_THAT(SplitPhotos(4, share).training, ElementsAre(0, 2)) << share;
  }
}

TEST(SplitPhotos, NothingIsHeldOutOfOnePhotoOrWithoutAShare) {
  EXPECT_THAT(SplitPhotos(1, 0.5).training, ElementsAre(0));
  EXPECT_THAT(SplitPhotos(1, 0.5).validation, IsEmpty());
  EXPECT_THAT(SplitPhotos(3, 0).training, ElementsAre(0, 1, 2));
  EXPECT_THAT(SplitPhotos(3, 0).validation, IsEmpty());
  EXPECT_THAT(SplitPhotos(0, 0.5).training, IsEmpty());
}

TEST(SplitPhotos, AShareSmallerThanOnePhotoStillHoldsOutOne) {
  EXPECT_THAT(SplitPhotos(100, 1e-300).validation, ElementsAre(99));
}

}  // namespace
}  // namespace colmatch
