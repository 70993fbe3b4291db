// `colmatch compress` from outside: what it writes is smaller, is what was requested, runs, and goes back to
// dense weights; settings that contradict each other are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "network/weights.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"
#include "tests/temporary_folder.h"
#include "training/compression/pruning.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

using Arguments = std::vector<std::string>;

class CompressCommand : public testing::Test {
 protected:
  ProgramResult Compress(const std::string& task, const std::string& output, const Arguments& more) const {
    Arguments arguments = {"compress", task, "--output", folder_.File(output), "--num_threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunColmatch(arguments);
  }
  LoadedSuperPoint SuperPointIn(const std::string& output) const {
    return LoadSuperPoint(folder_.File(output + "/superpoint.safetensors"));
  }
  LoadedSuperGlue SuperGlueIn(const std::string& output) const {
    return LoadSuperGlue(folder_.File(output + "/superglue.safetensors"));
  }
  uint64_t Size(const std::string& output) const {
    return fs::file_size(folder_.path() / output / "superpoint.safetensors") +
           fs::file_size(folder_.path() / output / "superglue.safetensors");
  }
  static uint64_t DenseSize() {
    const auto folder = fs::path(COLMATCH_SOURCE_DIR) / "weights/default";
    return fs::file_size(folder / "superpoint.safetensors") + fs::file_size(folder / "superglue.safetensors");
  }
  // Matches of two photos by these weights.
  ProgramResult Match(const std::string& weights) const {
    const auto photos = TestPhotos();
    return RunColmatch({"match", (photos / "courtyard_00.jpg").string(),
                        (photos / "courtyard_01.jpg").string(), "--weights", folder_.File(weights), "--json",
                        folder_.File(weights + ".json"), "--num_threads", "1"});
  }
  TemporaryFolder folder_;
};

double ZeroShare(const torch::Tensor& weight) {
  return (weight == 0).to(torch::kFloat).mean().item<double>();
}

TEST_F(CompressCommand, PrunedThenClusteredWeightsAreSmallerAndStillMatch) {
  ASSERT_EQ(Compress("prune", "pruned", {"--sparsity", "0.3"}).status, 0);
  const auto pruned = SuperGlueIn("pruned");
  EXPECT_NEAR(ZeroShare(pruned.network->named_parameters()["gnn.layers.0.mlp.0.weight"]), 0.3, 0.001);
  EXPECT_THAT(pruned.metadata.at("compression"), HasSubstr("sparsity 0.3"));
  EXPECT_LT(Size("pruned"), DenseSize());

  const ProgramResult result = Compress(
      "quantize", "clustered", {"--method", "kmeans", "--bits", "5", "--weights", folder_.File("pruned")});
  ASSERT_EQ(result.status, 0) << result.output;
  const auto clustered = SuperGlueIn("clustered");
  const torch::Tensor weight = clustered.network->named_parameters()["gnn.layers.0.mlp.0.weight"].detach();
  EXPECT_LE(std::get<0>(torch::_unique(weight)).numel(), 32);
  EXPECT_GE(ZeroShare(weight), 0.299) << "what was pruned stays so";
  EXPECT_THAT(clustered.metadata.at("compression"), HasSubstr("; kmeans, 5 bits"));
  EXPECT_LT(Size("clustered"), DenseSize() / 2);

  const ProgramResult matched = Match("clustered");
  ASSERT_EQ(matched.status, 0) << matched.output;
  std::ifstream file(folder_.File("clustered.json"));
  EXPECT_GT(nlohmann::json::parse(file)["matches"].size(), 50u);
}

TEST_F(CompressCommand, ASharedCodebookIsOneOfTheWholeNetwork) {
  const ProgramResult result =
      Compress("quantize", "shared", {"--method", "kmeans", "--bits", "4", "--codebook", "shared"});
  ASSERT_EQ(result.status, 0) << result.output;
  const SafetensorsFile file = ReadSafetensors(folder_.File("shared/superglue.safetensors"));
  EXPECT_EQ(file.tensors.at(":codebook").shape, std::vector<int64_t>{16});
  EXPECT_EQ(file.tensors.count("final_proj.weight:codebook"), 0u);
  EXPECT_EQ(file.tensors.count("final_proj.weight:scale"), 1u);
  EXPECT_THAT(SuperGlueIn("shared").metadata.at("compression"),
              HasSubstr("kmeans with one codebook, 4 bits"));
}

TEST_F(CompressCommand, CompressedWeightsAreExportedDense) {
  ASSERT_EQ(Compress("quantize", "int8", {}).status, 0);
  const std::string dense = folder_.File("dense.safetensors");
  ASSERT_EQ(RunColmatch({"weights", "export", folder_.File("int8/superpoint.safetensors"), "--output", dense,
                         "--type", "fp32"})
                .status,
            0);
  const auto from = SuperPointIn("int8"), to = LoadSuperPoint(dense);
  for (const auto& item : from.network->named_parameters())
    EXPECT_TRUE(torch::equal(item.value(), to.network->named_parameters()[item.key()])) << item.key();
  EXPECT_EQ(ReadSafetensors(dense).tensors.count("conv1b.weight"), 1u);
}

TEST_F(CompressCommand, ChannelsThatGoMakeTheNetworksNarrower) {
  const ProgramResult result = Compress(
      "prune", "narrow",
      {"--method", "channel", "--SuperPoint.encoder_widths", "12,24,48,96", "--SuperPoint.head_width", "96",
       "--SuperGlue.attention_dim", "64", "--SuperGlue.mlp_hidden", "100", "--SuperGlue.layer_pairs", "0,2"});
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("GFLOP (before: "));
  const auto superpoint = SuperPointIn("narrow").network->architecture();
  EXPECT_THAT(superpoint.encoder_widths, testing::ElementsAre(12, 24, 48, 96));
  EXPECT_EQ(superpoint.head_width, 96);
  const auto superglue = SuperGlueIn("narrow").network->architecture();
  EXPECT_EQ(superglue.attention_dim, 64);
  EXPECT_EQ(superglue.mlp_hidden, 100);
  EXPECT_EQ(superglue.num_layer_pairs, 2);
  EXPECT_EQ(Match("narrow").status, 0);
}

TEST_F(CompressCommand, FineTuningKeepsTheMasksOfBothNetworks) {
  CopyTwoTestPhotos(folder_.path() / "photos");
  ASSERT_EQ(RunColmatch({"prepare_shards", "--image_path", folder_.File("photos"), "--output",
                         folder_.File("a.shard"), "--num_warps", "1", "--max_image_size", "320"})
                .status,
            0);
  const ProgramResult result = Compress(
      "prune", "tuned", {"--method", "2:4", "--shards", folder_.File("a.shard"), "--num_steps", "2"});
  ASSERT_EQ(result.status, 0) << result.output;
  for (const auto& weight : {SuperPointIn("tuned").network->named_parameters()["conv3a.weight"],
                             SuperGlueIn("tuned").network->named_parameters()["final_proj.weight"]}) {
    EXPECT_TRUE(torch::equal(TwoOfFourMask(weight), (weight != 0).to(torch::kFloat)));
  }
  EXPECT_THAT(SuperGlueIn("tuned").metadata.at("compression"),
              HasSubstr("2:4 pruned, 2 steps of fine-tuning"));
  const auto dense =
      LoadSuperGlue(std::string(COLMATCH_SOURCE_DIR) + "/weights/default/superglue.safetensors");
  const auto bias = [](const LoadedSuperGlue& loaded) {
    return loaded.network->named_parameters()["gnn.layers.0.mlp.3.bias"].detach().clone();
  };
  EXPECT_FALSE(torch::equal(bias(SuperGlueIn("tuned")), bias(dense))) << "it was trained";
}

TEST_F(CompressCommand, TheOtherNetworkIsCopied) {
  ASSERT_EQ(Compress("quantize", "half", {"--network", "superglue"}).status, 0);
  EXPECT_EQ(ReadWholeFile(folder_.File("half/superpoint.safetensors")),
            ReadWholeFile(std::string(COLMATCH_SOURCE_DIR) + "/weights/default/superpoint.safetensors"));
}

TEST_F(CompressCommand, TensorsGoAsFarAsTheScanSays) {
  fs::create_directories(folder_.path() / "scan");
  std::ofstream(folder_.File("scan/scan.json"))
      << R"({"dense":{"precision":0.8,"recall":0.8},"settings":[)"
      << R"({"tensor":"superglue.final_proj.weight","kind":"sparsity","value":0.4,"precision":0.799,"recall":0.8},)"
      << R"({"tensor":"superglue.final_proj.weight","kind":"sparsity","value":0.8,"precision":0.79,"recall":0.8},)"
      << R"({"tensor":"superglue.gnn.layers.0.attn.merge.weight","kind":"sparsity","value":0.4,"precision":0.5,"recall":0.8}]})";
  const ProgramResult result = Compress("prune", "scanned",
                                        {"--network", "superglue", "--sensitivity", folder_.File("scan"),
                                         "--tolerance", "0.5", "--sparsity", "0.2"});
  ASSERT_EQ(result.status, 0) << result.output;
  const auto parameters = SuperGlueIn("scanned").network->named_parameters();
  EXPECT_NEAR(ZeroShare(parameters["final_proj.weight"]), 0.4, 0.001);
  EXPECT_NEAR(ZeroShare(parameters["gnn.layers.0.attn.merge.weight"]), 0, 0.001);
  EXPECT_NEAR(ZeroShare(parameters["gnn.layers.1.attn.merge.weight"]), 0.2, 0.001) << "not scanned";
}

TEST_F(CompressCommand, AScanCanBeInterruptedAndGoneOnWithAndIsTheSameForAnyNumberOfThreads) {
  const auto settings = [&](const std::string& scan) {
    std::ifstream file(folder_.File(scan + "/scan.json"));
    return nlohmann::json::parse(file)["settings"];
  };
  int stop_after_ms = 3000;  // longer, until the machine has got as far as the first setting
  const auto run_until_stopped = [&](const std::string& scan, const std::string& num_threads) {
    const Arguments arguments = {"compress",      "sensitivity", "--output",     folder_.File(scan),
                                 "--num_threads", num_threads,   "--image_path", TestPhotos().string(),
                                 "--num_pairs",   "2",           "--sparsities", "0.9"};
    for (;; stop_after_ms *= 2) {
      const ProgramResult result = RunColmatch(arguments, stop_after_ms);
      ASSERT_TRUE(result.status == 143 || result.status == 0) << result.output;
      if (fs::exists(folder_.path() / scan / "scan.json") || stop_after_ms > 100000) return;
    }
  };
  run_until_stopped("scan", "1");
  const size_t done = settings("scan").size();
  run_until_stopped("scan", "1");
  EXPECT_GT(settings("scan").size(), done);
  run_until_stopped("beside", "3");
  const auto alone = settings("scan"), beside = settings("beside");
  ASSERT_GT(std::min(alone.size(), beside.size()), 0u);
  for (size_t i = 0; i < std::min(alone.size(), beside.size()); ++i) EXPECT_EQ(alone[i], beside[i]) << i;
  const ProgramResult other =
      Compress("sensitivity", "scan", {"--image_path", TestPhotos().string(), "--num_pairs", "3"});
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.output, HasSubstr("is a scan of other weights, pairs or seed"));
}

TEST_F(CompressCommand, ContradictionsAreRefusedAndNothingIsWritten) {
  const struct {
    std::string task;
    Arguments more;
    std::string message;
  } cases[] = {{"prune", {"--method", "kmeans"}, "is of the other task"},
               {"quantize", {"--method", "channel"}, "is of the other task"},
               {"quantize", {"--codebook", "shared"}, "--codebook shared is of --method kmeans"},
               {"prune", {"--num_steps", "10"}, "needs --shards"},
               {"prune", {"--sensitivity", folder_.File("none")}, "has no scan.json"},
               {"sensitivity", {}, "--image_path names the photos"}};
  for (const auto& c : cases) {
    const ProgramResult result = Compress(c.task, "refused", c.more);
    EXPECT_EQ(result.status, 1) << result.output;
    EXPECT_THAT(result.output, HasSubstr(c.message));
    EXPECT_FALSE(fs::exists(folder_.path() / "refused/superpoint.safetensors"));
  }
  const ProgramResult wide =
      Compress("prune", "wide", {"--method", "channel", "--SuperGlue.attention_dim", "256"});
  EXPECT_EQ(wide.status, 4);
  EXPECT_THAT(wide.output, HasSubstr("attention_dim must be in [1, 128], found 256"));
}

}  // namespace
}  // namespace colmatch
