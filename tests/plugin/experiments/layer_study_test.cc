// `colmatch layer_study` on trainings of a few steps: every depth has its line, the dataset its capacity.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kSuperPoint = std::string(COLMATCH_SOURCE_DIR) + "/weights/default/superpoint.safetensors";

class LayerStudy : public testing::Test {
 protected:
  void SetUp() override {
    CopyTwoTestPhotos(folder_.path() / "photos");
    ASSERT_EQ(Run({"prepare_shards", "--image_path", folder_.File("photos"), "--output",
                   folder_.File("a.shard"), "--num_warps", "1", "--max_image_size", "200"})
                  .status,
              0);
  }
  ProgramResult Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--num_threads", "1"});
    return RunColmatch(arguments);
  }
  ProgramResult Train(const std::string& run, const std::string& depth) const {
    return Run({"train",
                "superglue",
                "--shards",
                folder_.File("a.shard"),
                "--superpoint",
                kSuperPoint,
                "--features",
                folder_.File("features.pt"),
                "--output",
                folder_.File(run),
                "--num_steps",
                "2",
                "--log_every",
                "1",
                "--SuperGlue.num_layer_pairs",
                depth,
                "--SuperGlue.views_per_photo",
                "2",
                "--SuperGlue.scenes_per_photo",
                "0",
                "--SuperGlue.batch_size",
                "1",
                "--SuperGlue.min_keypoints",
                "32",
                "--SuperGlue.max_keypoints",
                "32"});
  }
  TemporaryFolder folder_;
};

TEST_F(LayerStudy, PutsDepthsBesideEachOtherAndMeasuresTheDataset) {
  for (const char* depth : {"1", "2"}) {
    const ProgramResult trained = Train(std::string("depth") + depth, depth);
    ASSERT_EQ(trained.status, 0) << trained.output;
  }
  const std::vector<std::string> study = {"layer_study",
                                          folder_.File("depth1"),
                                          folder_.File("depth2"),
                                          "--superpoint",
                                          kSuperPoint,
                                          "--shards",
                                          folder_.File("a.shard"),
                                          "--test",
                                          "same=" + folder_.File("a.shard"),
                                          "--num_pairs",
                                          "8",
                                          "--num_keypoints",
                                          "64",
                                          "--output",
                                          folder_.File("study")};
  const ProgramResult result = Run(study);
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("| 2 | 6400 |"));
  EXPECT_THAT(result.output, HasSubstr("| 1 | 4864 |"));
  std::ifstream file(folder_.File("study") + "/layer_study.json");
  const auto json = nlohmann::json::parse(file);
  for (const char* depth : {"1", "2"}) {
    const auto& entry = json.at("depths").at(depth);
    EXPECT_GT(entry.at("tests").at("same").at("accuracy"), 0.3) << "it starts at nearest neighbours";
    EXPECT_GT(entry.at("milliseconds"), 0);
    EXPECT_GT(entry.at("training_accuracy"), 0);
  }
  EXPECT_GT(json.at("depths").at("2").at("mec_bits"), json.at("depths").at("1").at("mec_bits"));
  EXPECT_GT(json.at("dataset").at("rows"), 20);
  EXPECT_EQ(json.at("dataset").at("features"), 2 * 16 * 8 + 1)
      << "128 x 64 pooled by 8, twice, and the index";
  for (const char* picture : {"accuracy.png", "accuracy_by_capacity.png", "capacity_progression.png"})
    EXPECT_TRUE(fs::exists(folder_.path() / "study" / picture)) << picture;
}

// Under its former name.
TEST_F(LayerStudy, ATestWithoutANameIsAUsageError) {
  ASSERT_EQ(Train("depth1", "1").status, 0);
  const ProgramResult result =
      Run({"depth_study", folder_.File("depth1"), "--superpoint", kSuperPoint, "--shards",
           folder_.File("a.shard"), "--test", folder_.File("a.shard"), "--output", folder_.File("study")});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("NAME=SHARD"));
}

}  // namespace
}  // namespace colmatch
