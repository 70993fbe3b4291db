// From a photo to its features: masked, turned upright, in tiles. The `fast` weights do.
#include "plugin/extraction/photo_extractor.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>
#include <iterator>
#include <opencv2/imgcodecs.hpp>

#include "matcher/turn.h"
#include "tests/plugin/exif_builder.h"
#include "tests/plugin/test_photos.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

constexpr char kPhoto[] = "courtyard_00.jpg";  // 400 x 300

CommonOptions Fast() {
  CommonOptions common;
  common.weights = "fast";
  common.device = "cpu";
  return common;
}

FeaturePipelineOptions OptionsFor(const fs::path& folder) {
  FeaturePipelineOptions options;
  options.image_path = folder.string();
  options.keypoints.max_num_features = 200;
  return options;
}

Features ExtractOne(const FeaturePipelineOptions& options, const std::string& name) {
  PhotoExtractor extractor(options, Fast(), torch::kCPU);
  const Photo photo = extractor.Read(name);
  EXPECT_EQ(photo.error, "");
  EXPECT_EQ(photo.suffix, extractor.Suffix(name));
  return extractor.Extract(photo);
}

bool SameBytes(const torch::Tensor& a, const torch::Tensor& b) {
  return a.contiguous().equal(b.contiguous());
}

fs::path WriteMask(const TemporaryFolder& folder, const std::string& name, int first_column,
                   int last_column) {
  cv::Mat mask(300, 400, CV_8U, cv::Scalar(255));
  mask.colRange(first_column, last_column) = 0;
  const fs::path path = folder.path() / name;
  fs::create_directories(path.parent_path());
  cv::imwrite(path, mask);
  return path;
}

// The test photo with an EXIF orientation, pixels untouched.
void WriteWithOrientation(const TemporaryFolder& folder, const std::string& name, std::uint16_t orientation) {
  std::ifstream stream(TestPhotos() / kPhoto, std::ios::binary);
  const std::vector<std::uint8_t> jpeg{std::istreambuf_iterator<char>(stream), {}};
  ExifBuilder exif;
  exif.Short(kIfd0, 0x0112, orientation);
  folder.Write(name, exif.InsertInto(jpeg));
}

TEST(PhotoExtractor, ScalesAreInThePhotosPixelsWhateverSizeTheNetworkSees) {
  FeaturePipelineOptions options = OptionsFor(TestPhotos());
  options.keypoints.scales = {1, 0.5};
  options.max_image_size = 200;  // half
  const auto scales = ExtractOne(options, kPhoto).scales;
  EXPECT_EQ(scales.min().item<float>(), 2);
  EXPECT_EQ(scales.max().item<float>(), 4);
}

TEST(PhotoExtractor, AMaskedPhotoStillGetsAllItsKeypoints) {
  const TemporaryFolder folder;
  FeaturePipelineOptions options = OptionsFor(TestPhotos());
  const Features unmasked = ExtractOne(options, kPhoto);
  ASSERT_EQ(unmasked.size(), 200);
  ASSERT_GT((unmasked.keypoints.select(1, 0) < 199.5).sum().item<int64_t>(), 20) << "the mask has work to do";
  WriteMask(folder, "masks/courtyard_00.png", 0, 200);
  options.mask_path = (folder.path() / "masks").string();
  const Features masked = ExtractOne(options, kPhoto);
  EXPECT_EQ(masked.size(), 200);
  EXPECT_GE(masked.keypoints.select(1, 0).min().item<float>(), 199.5f);
  options.camera_mask_path = WriteMask(folder, "camera.png", 200, 400).string();
  EXPECT_EQ(ExtractOne(options, kPhoto).size(), 0) << "both masks together cover the photo";
}

TEST(PhotoExtractor, APhotoWhoseMaskIsMissingIsNotLookedAt) {
  const TemporaryFolder folder;
  FeaturePipelineOptions options = OptionsFor(TestPhotos());
  options.mask_path = folder.path().string();
  const Photo photo = PhotoExtractor(options, Fast(), torch::kCPU).Read(kPhoto);
  EXPECT_NE(photo.error.find("courtyard_00.png"), std::string::npos) << photo.error;
}

TEST(PhotoExtractor, ATurnedPhotoGivesTheFeaturesOfTheUprightOneInItsOwnPixels) {
  const TemporaryFolder folder;
  const cv::Mat stored = cv::imread(TestPhotos() / kPhoto, cv::IMREAD_GRAYSCALE);
  const std::pair<std::uint16_t, int> orientations[] = {{1, 0}, {3, 2}, {6, 1}, {8, 3}, {2, 0}, {7, 0}};
  for (const auto& [orientation, turns] : orientations) {
    SCOPED_TRACE(orientation);
    WriteWithOrientation(folder, "stored.jpg", orientation);
    cv::imwrite(folder.path() / "upright.png", TurnImage(stored, turns));
    const FeaturePipelineOptions options = OptionsFor(folder.path());
    const Features found = ExtractOne(options, "stored.jpg"), upright = ExtractOne(options, "upright.png");
    ASSERT_EQ(upright.size(), 200);
    EXPECT_EQ(found.width, 400);
    EXPECT_EQ(found.height, 300);
    EXPECT_TRUE(SameBytes(found.descriptors, upright.descriptors));
    EXPECT_TRUE(SameBytes(found.scores, upright.scores));
    const Features seen = AsTurned(found, turns);
    EXPECT_EQ(seen.width, upright.width);
    EXPECT_EQ(seen.height, upright.height);
    EXPECT_LT((seen.keypoints - upright.keypoints).abs().max().item<float>(), 1e-3f);
  }
}

TEST(PhotoExtractor, WithoutUprightTheOrientationIsNotLookedAt) {
  const TemporaryFolder folder;
  WriteWithOrientation(folder, "stored.jpg", 6);
  FeaturePipelineOptions options = OptionsFor(folder.path());
  options.upright = false;
  const Features as_stored = ExtractOne(options, "stored.jpg");
  EXPECT_TRUE(SameBytes(as_stored.keypoints, ExtractOne(OptionsFor(TestPhotos()), kPhoto).keypoints));
}

TEST(PhotoExtractor, AMaskBelongsToThePhotoAsStoredHoweverItIsTurned) {
  const TemporaryFolder folder;
  WriteWithOrientation(folder, "photos/stored.jpg", 6);
  WriteMask(folder, "masks/stored.png", 0, 200);
  FeaturePipelineOptions options = OptionsFor(folder.path() / "photos");
  options.mask_path = (folder.path() / "masks").string();
  const Features masked = ExtractOne(options, "stored.jpg");
  EXPECT_EQ(masked.size(), 200);
  EXPECT_GE(masked.keypoints.select(1, 0).min().item<float>(), 199.5f);
  EXPECT_GT(masked.keypoints.select(1, 1).max().item<float>(), 250);
}

TEST(PhotoExtractor, TilesGiveAPhotoTheSameStrongestKeypoints) {
  FeaturePipelineOptions options = OptionsFor(TestPhotos());
  const Features whole = ExtractOne(options, kPhoto);
  options.tile_size = 256;
  const Features tiled = ExtractOne(options, kPhoto);
  EXPECT_EQ(tiled.size(), 200);
  const auto distances = (whole.keypoints.unsqueeze(1) - tiled.keypoints.unsqueeze(0)).norm(2, 2);
  const auto nearest = std::get<0>(distances.min(1));
  EXPECT_GE((nearest < 0.01f).sum().item<int64_t>(), 198);
  auto among_themselves = (tiled.keypoints.unsqueeze(1) - tiled.keypoints.unsqueeze(0)).norm(2, 2);
  // One place may have keypoints of several scales, but no two of one.
  const auto same_scale = (tiled.scales.unsqueeze(1) / tiled.scales.unsqueeze(0) - 1).abs() < 0.01;
  among_themselves = torch::where(same_scale, among_themselves, torch::full({}, 100.f)).fill_diagonal_(100);
  EXPECT_GT(among_themselves.min().item<float>(), 0.1f) << "none twice";
}

TEST(TurnImage, PixelsGoWhereTurnPointsSays) {
  cv::Mat image = cv::Mat::zeros(3, 5, CV_8U);
  image.at<std::uint8_t>(1, 4) = 200;
  for (int turns = 0; turns < 4; ++turns) {
    const auto at = TurnPoints(torch::tensor({{4.0f, 1.0f}}), 5, 3, turns);
    const cv::Mat turned = TurnImage(image, turns);
    EXPECT_EQ(turned.at<std::uint8_t>(static_cast<int>(at[0][1].item<float>()),
                                      static_cast<int>(at[0][0].item<float>())),
              200)
        << turns;
  }
}

}  // namespace
}  // namespace colmatch
