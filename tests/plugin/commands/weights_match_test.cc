// `colmatch weights` and `colmatch match`: what they write, and the files that they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>

#include "tests/plugin/extract_photos.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"
#include "tests/temporary_folder.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Weights, DamagedFilesAreRefusedWithStatusFour) {
  TemporaryFolder folder;
  const std::string good =
      ReadWholeFile(fs::path(COLMATCH_SOURCE_DIR) / "weights/default/superpoint.safetensors");
  ASSERT_FALSE(good.empty());
  folder.Write("truncated.safetensors", good.substr(0, good.size() - 100));
  folder.Write("text.safetensors", std::string("not weights at all"));
  std::string nan = good;
  for (size_t i = nan.size() - 4; i < nan.size(); ++i) nan[i] = '\xFF';
  folder.Write("nan.safetensors", nan);
  const std::string other =
      (fs::path(COLMATCH_SOURCE_DIR) / "weights/default/superglue.safetensors").string();
  for (const std::string& path :
       {(folder.path() / "truncated.safetensors").string(), (folder.path() / "text.safetensors").string(),
        (folder.path() / "nan.safetensors").string(), other}) {
    const ProgramResult result =
        Extract(folder.path() / "x.db", TestPhotos(), {"--weights", "superpoint=" + path});
    EXPECT_EQ(result.status, 4) << path << '\n' << result.output;
    EXPECT_FALSE(fs::exists(folder.path() / "x.db")) << "the weights are looked at first";
  }
}

TEST(Weights, APickleThatTriesToRunCodeIsRefused) {
  TemporaryFolder folder;
  const std::string pickle =
      "\x80\x02"
      "cos\nsystem\n(U\x1atouch /tmp/colmatch_was_heretR.";
  const auto path = folder.Write("evil.pth", pickle);
  EXPECT_EQ(RunColmatch({"weights", "import", path, "--output", folder.path() / "out.safetensors"}).status,
            4);
  EXPECT_FALSE(fs::exists("/tmp/colmatch_was_here"));
  EXPECT_FALSE(fs::exists(folder.path() / "out.safetensors"));
}

TEST(Weights, InfoSaysLicenceAndProvenanceOfTheDefaults) {
  const ProgramResult info = RunColmatch({"weights", "info", "default"});
  EXPECT_EQ(info.status, 0) << info.output;
  for (const char* key : {"licence", "training_data", "seed", "command", "sha256", "parameters"}) {
    EXPECT_THAT(info.output, HasSubstr(key));
  }
}

TEST(Weights, AreExportedAndDescribedByNameFolderAndAssignmentIntoWhatTheOutputsNameSays) {
  TemporaryFolder folder;
  const std::string both = folder.path() / "both";
  ASSERT_EQ(RunColmatch({"weights", "export", "fast", "--output", both, "--type", "fp16"}).status, 0);
  for (const char* file : {"superpoint.safetensors", "superglue.safetensors"})
    EXPECT_TRUE(fs::exists(fs::path(both) / file)) << file;
  EXPECT_EQ(RunColmatch({"weights", "info", both}).status, 0) << "--weights FOLDER takes it";
  const std::string point = both + "/superpoint.safetensors";
  for (const std::string& one : {point, "superpoint=" + point}) {
    const ProgramResult info = RunColmatch({"weights", "info", one});
    EXPECT_EQ(info.status, 0) << info.output;
    EXPECT_THAT(info.output, HasSubstr("refinement_radius: 4"));
  }
  const std::string pth = folder.path() / "x.pth";
  EXPECT_EQ(RunColmatch({"weights", "export", point, "--output", pth}).status, 0);
  EXPECT_EQ(ReadWholeFile(pth).substr(0, 2), "PK") << "a file of torch.save";
  const ProgramResult back =
      RunColmatch({"weights", "import", pth, "--output", folder.path() / "back.safetensors"});
  EXPECT_EQ(back.status, 0) << back.output;
  const ProgramResult refused =
      RunColmatch({"weights", "import", pth, "--output", folder.path() / "back.pth"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.output, HasSubstr(".safetensors"));
  const ProgramResult two = RunColmatch({"weights", "export", "fast", "--output", folder.path() / "two.pth"});
  EXPECT_EQ(two.status, 1);
  EXPECT_THAT(two.output, HasSubstr("expected a folder"));
}

TEST(Match, WritesTheJsonOfTheContractAndAPicture) {
  TemporaryFolder folder;
  const auto json_path = folder.path() / "m.json", png = folder.path() / "m.png";
  const ProgramResult result =
      RunColmatch({"match", TestPhotos() / "courtyard_00.jpg", TestPhotos() / "courtyard_01.jpg", "--json",
                   json_path, "--png", png, "--num_threads", "1"});
  ASSERT_EQ(result.status, 0) << result.output;
  const auto json = nlohmann::json::parse(ReadWholeFile(json_path));
  for (const char* side : {"image0", "image1"}) {
    EXPECT_EQ(json[side]["width"], 400);
    EXPECT_EQ(json[side]["height"], 300);
    EXPECT_EQ(json[side]["keypoints"].size(), json[side]["scores"].size());
  }
  ASSERT_GT(json["matches"].size(), 20u);
  for (const auto& match : json["matches"]) {
    EXPECT_LT(match[0].get<size_t>(), json["image0"]["keypoints"].size());
    EXPECT_LT(match[1].get<size_t>(), json["image1"]["keypoints"].size());
    EXPECT_GE(match[2].get<double>(), 0);
    EXPECT_LE(match[2].get<double>(), 1);
  }
  EXPECT_TRUE(json["timing_ms"].contains("superpoint") && json["timing_ms"].contains("superglue"));
  EXPECT_FALSE(cv::imread(png).empty());
}

TEST(Match, APhotoThatCannotBeReadIsAnInputError) {
  TemporaryFolder folder;
  const auto text = folder.Write("a.jpg", std::string("text"));
  EXPECT_EQ(RunColmatch({"match", text, TestPhotos() / "courtyard_00.jpg"}).status, 2);
}

}  // namespace
}  // namespace colmatch
