// `colmatch benchmark`: every weights, precision and number of keypoints has its line, with the numbers that
// the contract names. What they are is the machine's affair.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "network/weights.h"
#include "tests/plugin/program.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

TEST(BenchmarkCommand, SaysWhatThingsCostInTheContractsWords) {
  TemporaryFolder folder;
  const std::string json = folder.File("speed.json");
  const ProgramResult result =
      RunColmatch({"benchmark", "--compare", std::string(COLMATCH_SOURCE_DIR) + "/weights/default",
                   "--precisions", "fp32,bf16,int8", "--num_keypoints", "32,64", "--image_width", "64",
                   "--image_height", "48", "--repetitions", "1", "--num_threads", "1", "--json", json});
  ASSERT_EQ(result.status, 0) << result.output;
  std::ifstream file(json);
  const auto report = nlohmann::json::parse(file);
  EXPECT_GT(report["gemm_gflops"]["fp32"].get<double>(), 0);
  for (const char* precision : {"fp32", "bf16", "int8"})
    EXPECT_GT(report["gemm_gflops"][precision].get<double>(), 0) << precision;
  ASSERT_EQ(report["results"].size(), 12u);
  const int depth = LoadSuperGlue(std::string(COLMATCH_SOURCE_DIR) + "/weights/default/superglue.safetensors")
                        .network->architecture()
                        .num_layer_pairs;
  for (const auto& entry : report["results"]) {
    EXPECT_EQ(entry["depth"], depth);
    for (const char* key : {"weights", "precision", "num_keypoints"}) EXPECT_TRUE(entry.contains(key)) << key;
    double milliseconds = 0;
    for (const char* stage : {"layers", "sinkhorn", "guidance"})
      milliseconds += entry["median_ms"][stage].get<double>();
    for (const char* stage : {"superpoint", "prepare"})
      EXPECT_GT(entry["median_ms"][stage].get<double>(), 0) << stage;
    const double equal = entry["equal_to_fp32"];
    if (entry["precision"] == "fp32") EXPECT_EQ(equal, 1);
    EXPECT_GE(equal, 0.9) << entry["precision"];
    EXPECT_NEAR(entry["pairs_per_second"].get<double>() * milliseconds, 1000, 1e-6);
  }
  EXPECT_THAT(result.output, HasSubstr("pairs/s"));
}

TEST(BenchmarkCommand, SaysPublishedSizesAlsoWhereTheFormerNameWasGiven) {
  TemporaryFolder folder;
  const std::string json = folder.File("speed.json");
  for (const char* name : {"published_sizes", "published sizes", "official"}) {
    const ProgramResult result =
        RunColmatch({"benchmark", "--weights", name, "--num_keypoints", "32", "--image_width", "64",
                     "--image_height", "48", "--repetitions", "1", "--num_threads", "1", "--json", json});
    ASSERT_EQ(result.status, 0) << result.output;
    std::ifstream file(json);
    EXPECT_EQ(nlohmann::json::parse(file)["results"][0]["weights"], "published sizes") << name;
    EXPECT_THAT(result.output,
                testing::AllOf(HasSubstr("published sizes"), testing::Not(HasSubstr("official"))));
  }
}

TEST(BenchmarkCommand, ProcessorTimeIsOfOneThread) {
  const ProgramResult result = RunColmatch({"benchmark", "--clock", "cpu", "--num_threads", "2"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("--num_threads 1"));
}

TEST(BenchmarkCommand, WeightsWithoutSuperGlueAreRefused) {
  const std::string superpoint = std::string(COLMATCH_SOURCE_DIR) + "/weights/default/superpoint.safetensors";
  const ProgramResult result = RunColmatch({"benchmark", "--weights", superpoint, "--num_threads", "1"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("names no SuperGlue"));
}

}  // namespace
}  // namespace colmatch
