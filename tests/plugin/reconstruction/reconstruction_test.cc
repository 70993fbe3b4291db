// The whole path on the rendered scene, judged by the real `colmap mapper` and the true cameras.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "plugin/demo/demo_scene.h"
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
}

}  // namespace
}  // namespace colmatch
