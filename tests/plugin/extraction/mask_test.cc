// Masks: COLMAP's rule for keypoints and names, and every reason to skip a photo.
#include "plugin/extraction/mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>

#include "plugin/extraction/photo_provenance.h"
#include "tests/message_of.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

std::vector<std::uint8_t> Png(int width, int height, int value, int zero_at_x = -1) {
  cv::Mat mask(height, width, CV_8U, cv::Scalar(value));
  if (zero_at_x >= 0) mask.col(zero_at_x) = 0;
  std::vector<std::uint8_t> bytes;
  cv::imencode(".png", mask, bytes);
  return bytes;
}

TEST(PhotoMask, AKeypointIsJudgedByThePixelItLiesIn) {
  PhotoMask mask;
  EXPECT_TRUE(mask.Keeps(-100, 5)) << "no mask refuses nothing";
  mask.Add(cv::imdecode(Png(8, 4, 1, 3), cv::IMREAD_GRAYSCALE));
  EXPECT_TRUE(mask.Keeps(2.49f, 1));
  EXPECT_FALSE(mask.Keeps(2.5f, 1));
  EXPECT_FALSE(mask.Keeps(3.49f, 1));
  EXPECT_TRUE(mask.Keeps(3.5f, 1));
  EXPECT_TRUE(mask.Keeps(7.4f, 3.4f));
  EXPECT_FALSE(mask.Keeps(7.5f, 1)) << "outside the mask";
  EXPECT_FALSE(mask.Keeps(1, 3.5f)) << "outside the mask";
  EXPECT_FALSE(mask.Keeps(1, -1.6f)) << "outside the mask";
  mask.Add(cv::Mat::zeros(4, 8, CV_8U));
  EXPECT_FALSE(mask.Keeps(1, 1)) << "each mask counts";
}

TEST(MaskFolder, BothNamesOfColmapAreFoundAndTheWholeNameComesFirst) {
  const TemporaryFolder folder;
  folder.Write("a.jpg.png", Png(4, 4, 255));
  folder.Write("a.png", Png(4, 4, 0));
  folder.Write("sub dir/ü 図's.png", Png(4, 4, 0));
  const MaskFolder masks(folder.path().string(), "");
  EXPECT_TRUE(masks.Of("a.jpg", 4, 4).Keeps(1, 1));
  EXPECT_FALSE(masks.Of("sub dir/ü 図's.JPG", 4, 4).Keeps(1, 1));
}

TEST(MaskFolder, ACamerasMaskServesAllPhotosBesideTheirOwn) {
  const TemporaryFolder folder;
  const auto camera = folder.Write("camera.png", Png(4, 4, 255, 0)).string();
  folder.Write("masks/a.png", Png(4, 4, 255, 3));
  const PhotoMask both = MaskFolder((folder.path() / "masks").string(), camera).Of("a.jpg", 4, 4);
  EXPECT_FALSE(both.Keeps(0, 0) || both.Keeps(3, 0));
  EXPECT_TRUE(both.Keeps(1, 0));
  const PhotoMask one = MaskFolder("", camera).Of("b.jpg", 4, 4);
  EXPECT_FALSE(one.Keeps(0, 0));
  EXPECT_TRUE(one.Keeps(3, 0));
  EXPECT_TRUE(MaskFolder("", "").Of("b.jpg", 4, 4).empty());
}

TEST(MaskFolder, AMaskThatIsMissingUnreadableOrOfAnotherSizeIsTheReasonToSkipThePhoto) {
  const TemporaryFolder folder;
  folder.Write("small.png", Png(3, 4, 255));
  folder.Write("text.png", std::string("this is no picture"));
  const MaskFolder masks(folder.path().string(), "");
  EXPECT_THAT(MessageOf<InputError>([&] { masks.Of("gone.jpg", 4, 4); }),
              testing::AllOf(HasSubstr("gone.jpg.png"), HasSubstr("gone.png")));
  EXPECT_THAT(MessageOf<InputError>([&] { masks.Fingerprint("gone.jpg"); }), HasSubstr("gone.png"));
  EXPECT_THAT(MessageOf<InputError>([&] { masks.Of("small.jpg", 4, 4); }),
              testing::AllOf(HasSubstr("3x4"), HasSubstr("4x4")));
  EXPECT_THAT(MessageOf<InputError>([&] { masks.Of("text.jpg", 4, 4); }), HasSubstr("text.png"));
  const auto camera = folder.path() / "small.png";
  EXPECT_THROW(MaskFolder("", camera.string()).Of("a.jpg", 4, 4), InputError);
}

TEST(MaskFolder, AMissingFolderAndABadCameraMaskAreUsageErrors) {
  const TemporaryFolder folder;
  const auto text = folder.Write("text.png", std::string("no picture")).string();
  EXPECT_THAT(MessageOf<UsageError>([&] { MaskFolder((folder.path() / "gone").string(), ""); }),
              HasSubstr("mask_path"));
  EXPECT_THAT(MessageOf<UsageError>([&] { MaskFolder("", text); }), HasSubstr("camera_mask_path"));
  EXPECT_THAT(MessageOf<UsageError>([&] { MaskFolder("", text + "gone"); }), HasSubstr("camera_mask_path"));
}

TEST(MaskFolder, TheFingerprintNamesTheContent) {
  const TemporaryFolder folder;
  folder.Write("a.png", Png(4, 4, 255));
  folder.Write("b.png", Png(4, 4, 255));
  folder.Write("c.png", Png(4, 4, 255, 1));
  const MaskFolder masks(folder.path().string(), "");
  EXPECT_EQ(masks.Fingerprint("a.jpg").size(), 16u);
  EXPECT_EQ(masks.Fingerprint("a.jpg"), masks.Fingerprint("b.jpg"));
  EXPECT_NE(masks.Fingerprint("a.jpg"), masks.Fingerprint("c.jpg"));
  const auto camera = (folder.path() / "a.png").string();
  EXPECT_NE(masks.Fingerprint("a.jpg"), MaskFolder(folder.path().string(), camera).Fingerprint("a.jpg"));
  EXPECT_EQ(MaskFolder("", "").Fingerprint("a.jpg"), "");
}

TEST(PhotoProvenance, WhatIsWrittenIsReadBack) {
  const std::string base = "superpoint 12ab max_image_size 1600";
  for (const char* mask : {"", "0123456789abcdef"}) {
    for (int turns = 0; turns < 4; ++turns) {
      const std::string suffix = PhotoSuffix(mask, turns);
      EXPECT_EQ(PhotoSuffixOf(base + suffix), suffix);
      EXPECT_EQ(QuarterTurnsOf(base + suffix), turns);
    }
  }
  EXPECT_EQ(PhotoSuffix("", 0), "") << "what files had before";
  EXPECT_EQ(QuarterTurnsOf(" quarter_turns 9"), 0);
  EXPECT_EQ(QuarterTurnsOf(" quarter_turns "), 0);
}

}  // namespace
}  // namespace colmatch
