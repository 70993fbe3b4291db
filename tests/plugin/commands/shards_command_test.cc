// `colmatch prepare_shards` from outside: which files are left out, what is said of them, and the exit
// status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>

#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"
#include "tests/temporary_folder.h"
#include "training/data/shards.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

class PrepareShards : public testing::Test {
 protected:
  void SetUp() override { CopyTwoTestPhotos(folder_.path() / "photos/scene"); }
  ProgramResult Prepare(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"prepare_shards",
                                          "--image_path",
                                          folder_.File("photos"),
                                          "--output",
                                          folder_.File("a.shard"),
                                          "--num_warps",
                                          "2",
                                          "--max_image_size",
                                          "160",
                                          "--num_threads",
                                          "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunColmatch(arguments);
  }
  std::vector<ShardPhoto> Shard() const { return ReadShards({folder_.File("a.shard")}); }

  TemporaryFolder folder_;
};

TEST_F(PrepareShards, FilesThatAreNoPhotosByTheirNameAreNoFailure) {
  folder_.Write("photos/scene/LICENSE.txt", std::string("CC0"));
  const ProgramResult result = Prepare({"--set_weight", "scene=0.25", "--set_weight", "other=3"});
  EXPECT_EQ(result.status, 0) << result.output;
  ASSERT_EQ(Shard().size(), 2u);
  EXPECT_EQ(Shard()[0].weight, 0.25f);
  EXPECT_EQ(Shard()[0].set, "scene");
}

TEST_F(PrepareShards, APhotoThatCannotBeReadIsNamedAndLeftOutWithStatusTwo) {
  folder_.Write("photos/scene/text.jpg", std::string("this is not a photo"));
  const ProgramResult result = Prepare();
  EXPECT_EQ(result.status, 2) << result.output;
  EXPECT_THAT(result.output, HasSubstr("text.jpg: not an image"));
  EXPECT_EQ(Shard().size(), 2u);
}

TEST_F(PrepareShards, PhotosOfAFewPixelsAreNamedAndLeftOutWithStatusTwo) {
  for (const cv::Size size :
       {cv::Size(1, 1), cv::Size(1, 300), cv::Size(2, 300), cv::Size(300, 2), cv::Size(15, 300)}) {
    const std::string name = std::to_string(size.width) + "x" + std::to_string(size.height) + ".png";
    cv::imwrite(folder_.File("photos/" + name), cv::Mat(size, CV_8U, cv::Scalar(90)));
  }
  cv::imwrite(folder_.File("photos/large_enough.png"), cv::Mat(16, 16, CV_8U, cv::Scalar(90)));
  const ProgramResult result = Prepare();
  EXPECT_EQ(result.status, 2) << result.output;
  for (const char* name : {"1x1.png", "1x300.png", "2x300.png", "300x2.png", "15x300.png"}) {
    EXPECT_THAT(result.output, HasSubstr(std::string(name) + ": too small to train on"));
  }
  EXPECT_EQ(Shard().size(), 3u);
}

TEST_F(PrepareShards, WithoutAUsablePhotoItIsAUsageErrorAndNothingIsWritten) {
  std::filesystem::remove_all(folder_.path() / "photos");
  folder_.Write("photos/text.jpg", std::string("this is not a photo"));
  EXPECT_EQ(Prepare().status, 1);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "a.shard"));
}

TEST_F(PrepareShards, AWeightThatIsNoNumberAboveZeroIsAUsageError) {
  for (const char* bad : {"A", "A=", "A=x", "A=1x", "A=0", "A=-1", "A=nan", "A=inf", "A=1e99"}) {
    const ProgramResult result = Prepare({"--set_weight", bad});
    EXPECT_EQ(result.status, 1) << bad << '\n' << result.output;
    EXPECT_THAT(result.output, HasSubstr("--set_weight")) << bad;
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "a.shard")) << bad;
  }
}

}  // namespace
}  // namespace colmatch
