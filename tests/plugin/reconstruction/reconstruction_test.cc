// The whole path on the rendered scene, judged by the real `colmap mapper` and the true cameras.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>

#include "plugin/demo/demo_scene.h"
#include "plugin/reconstruction/mapper_program.h"
#include "plugin/runtime/handover.h"
#include "tests/plugin/program.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

TEST(Reconstruction, TheDemoSceneIsReconstructedAsItIs) {
  if (!IsOnPath("colmap")) GTEST_SKIP() << "colmap is not on PATH";
  TemporaryFolder folder;
  DemoSceneOptions options;
  options.num_images = 6;
  options.width = 640;
  options.height = 480;
  RenderDemoScene(options, folder.path());
  const ProgramResult result =
      RunColmatch({"automatic_reconstructor", "--workspace_path", folder.path() / "out", "--image_path",
                   folder.path() / "images", "--truth_path", folder.path() / "gt", "--num_threads", "2",
                   "--ImageReader.camera_model=SIMPLE_RADIAL"});
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, testing::HasSubstr("registered 6 of 6 images"));
  std::ifstream stream(folder.path() / "out/report.json");
  const auto report = nlohmann::json::parse(stream);
  const std::string typed = report["command_line"];
  EXPECT_THAT(typed, testing::HasSubstr(" automatic_reconstructor --workspace_path "));
  EXPECT_THAT(typed, testing::HasSubstr(" --num_threads 2 --ImageReader.camera_model=SIMPLE_RADIAL"));
  EXPECT_EQ(report["options"]["num_threads"], "2");
  EXPECT_EQ(report["options"]["ExhaustiveMatching.block_size"], "50") << "a default";
  EXPECT_THAT(report["options"]["features made by"].get<std::string>(),
              testing::HasSubstr("hessian_radius 4"));
  ASSERT_TRUE(report["truth"]["aligned"].get<bool>());
  EXPECT_LT(report["truth"]["rotation_deg"]["max"].get<double>(), 1.0);
  EXPECT_LT(report["truth"]["position_share"]["max"].get<double>(), 0.03);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "out/report.html"));
  ASSERT_EQ(report["weights"].size(), 2u);
  for (const auto& weights : report["weights"]) {
    EXPECT_EQ(weights["hash"].get<std::string>().size(), 64u) << "a SHA-256";
    EXPECT_NE(weights["licence"], "not stated") << "the default weights state theirs";
  }
  EXPECT_TRUE(report["contradictions"].empty());
  ASSERT_EQ(report["model_picture"], "model.png");
  const cv::Mat picture = cv::imread((folder.path() / "out/model.png").string());
  ASSERT_FALSE(picture.empty());
  cv::Scalar mean, spread;
  cv::meanStdDev(picture, mean, spread);
  EXPECT_GT(spread[0] + spread[1] + spread[2], 20) << "there is something to see";
}

// The graph's pairs suffice where they are few, and a mapper that is not there is named before any work.
TEST(Reconstruction, MatchesAlongTheGraphAndNamesMissingMappers) {
  if (!IsOnPath("colmap")) GTEST_SKIP() << "colmap is not on PATH";
  TemporaryFolder folder;
  DemoSceneOptions options;
  options.num_images = 8;
  options.width = 480;
  options.height = 360;
  RenderDemoScene(options, folder.path());
  std::vector<std::string> command = {"automatic_reconstructor",
                                      "--workspace_path",
                                      folder.path() / "out",
                                      "--image_path",
                                      folder.path() / "images",
                                      "--num_threads",
                                      "1",
                                      "--weights",
                                      "fast",
                                      "--GraphMatching.min_num_images",
                                      "8",
                                      "--GraphMatching.num_similar",
                                      "2",
                                      "--GraphMatching.num_neighbors",
                                      "3"};
  const ProgramResult result = RunColmatch(command);
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, testing::HasSubstr("round 1: "));
  EXPECT_THAT(result.output, testing::HasSubstr("registered 8 of 8 images"));
  std::ifstream stream(folder.path() / "out/report.json");
  EXPECT_LT(nlohmann::json::parse(stream)["pairs"].size(), 28u) << "not all pairs";

  command.insert(command.end(), {"--GraphMatching.num_rounds", "0"});
  const ProgramResult refused = RunColmatch(command);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.output, testing::HasSubstr("GraphMatching.num_rounds must be in [1, 1000], found 0"));
  command.resize(command.size() - 2);
  if (HasMapper(*FindColmap(), "global")) return;
  setenv(kPythonVariable, "/bin/false", 1);  // no pycolmap either
  command[2] = folder.path() / "other";
  command.insert(command.end(), {"--mapper", "global"});
  const ProgramResult missing = RunColmatch(command);
  unsetenv(kPythonVariable);
  EXPECT_EQ(missing.status, 3);
  EXPECT_THAT(missing.output, testing::HasSubstr("--mapper global: there is no program for it"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "other/database.db"));
}

}  // namespace
}  // namespace colmatch
