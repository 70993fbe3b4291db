// Extraction by several extractors. Those on the CPU stand for those of several GPUs. The `fast` weights do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "plugin/extraction/feature_pipeline.h"
#include "plugin/extraction/photo_extractor.h"
#include "tests/message_of.h"
#include "tests/plugin/test_photos.h"
#include "util/error.h"

namespace colmatch {
namespace {

class ExtractPhotosTest : public testing::Test {
 protected:
  ExtractPhotosTest() : photos_(CopyOfTestPhotos(folder_)) {
    folder_.Write("photos/broken.jpg", "no photo");
    common_.weights = "fast";
    common_.num_threads = 2;
    common_.progress = "off";
    options_.image_path = photos_.string();
    options_.keypoints.max_num_features = 50;
    options_.max_image_size = 200;
  }

  ExtractorPool Extractors(size_t count) const {
    return ExtractorPool(std::vector<torch::Device>(count, torch::kCPU), [this](torch::Device device) {
      return std::make_unique<PhotoExtractor>(options_, common_, device);
    });
  }

  const TemporaryFolder folder_;
  const std::filesystem::path photos_;
  const std::vector<std::string> names_ = {"courtyard_02.jpg", "broken.jpg",       "courtyard_00.jpg",
                                           "courtyard_03.jpg", "courtyard_01.jpg", "courtyard_00.jpg"};
  CommonOptions common_;
  FeaturePipelineOptions options_;
};

TEST_F(ExtractPhotosTest, SeveralExtractorsGiveWhatOneGivesInTheOrderOfNames) {
  const auto extract = [&](size_t count) {
    ExtractorPool extractors = Extractors(count);
    std::vector<std::string> records;
    EXPECT_TRUE(ExtractPhotos(common_, extractors, names_, [&](const FeatureRecord& record) {
      EXPECT_EQ(record.name, names_[records.size()]);
      EXPECT_EQ(record.error.empty(), record.name != "broken.jpg");
      records.push_back(EncodeFeatures(record));
    }));
    return records;
  };
  const auto expected = extract(1);
  ASSERT_EQ(expected.size(), names_.size());
  EXPECT_GT(expected.front().size(), 10000u) << "there are features";
  for (const size_t count : {2, 3}) EXPECT_EQ(extract(count), expected) << count;
}

TEST_F(ExtractPhotosTest, WhatIsThrownForAPhotoEndsItAfterThoseBefore) {
  for (const size_t count : {1, 3}) {
    ExtractorPool extractors = Extractors(count);
    std::vector<std::string> handed_back;
    const auto refuse_the_third = [&](const FeatureRecord& record) {
      handed_back.push_back(record.name);
      if (handed_back.size() == 3) throw EnvironmentError("the disk is full");
    };
    EXPECT_EQ(
        MessageOf<EnvironmentError>([&] { ExtractPhotos(common_, extractors, names_, refuse_the_third); }),
        "the disk is full");
    EXPECT_THAT(handed_back, testing::ElementsAre(names_[0], names_[1], names_[2]));
  }
}

}  // namespace
}  // namespace colmatch
