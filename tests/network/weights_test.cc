// Weights files: what is saved comes back, and whatever does not belong is refused by name.
#include "network/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <limits>

#include "network/formats/safetensors.h"
#include "tests/network/tensor_near.h"
#include "util/atomic_file.h"
#include "util/error.h"
#include "util/read_file.h"
#include "util/sha256.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

SuperPointArchitecture SmallSuperPoint() {
  SuperPointArchitecture architecture;
  architecture.encoder_widths = {4, 6, 8, 10};
  architecture.head_width = 12;
  architecture.descriptor_dim = 16;
  return architecture;
}

SuperGlueArchitecture SmallSuperGlue() {
  SuperGlueArchitecture architecture;
  architecture.descriptor_dim = 16;
  architecture.keypoint_encoder = {8, 12};
  architecture.num_layer_pairs = 2;
  return architecture;
}

// Running statistics away from their start, so that forgetting them shows.
SuperGlue TrainedSuperGlue() {
  SuperGlue network(SmallSuperGlue());
  torch::NoGradGuard no_grad;
  for (auto& buffer : network->named_buffers()) {
    if (buffer.value().is_floating_point())
      buffer.value().uniform_(0.5, 2);
    else
      buffer.value().fill_(7);
  }
  return network;
}

class WeightsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(COLMATCH_BINARY_DIR) / "weights_test";
    std::filesystem::create_directories(folder_);
    path_ =
        (folder_ / testing::UnitTest::GetInstance()->current_test_info()->name()).string() + ".safetensors";
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::filesystem::path folder_;
  std::string path_;
};

void ExpectSameState(const torch::nn::Module& a, const torch::nn::Module& b, double relative_tolerance) {
  const auto check = [relative_tolerance](const auto& items, const auto& others) {
    ASSERT_EQ(items.size(), others.size());
    for (const auto& item : items) {
      const double scale = item.value().abs().max().template item<double>();
      EXPECT_TRUE(TensorsNear(item.value(), others[item.key()], relative_tolerance * scale)) << item.key();
      EXPECT_EQ(item.value().dtype(), others[item.key()].dtype()) << item.key();
    }
  };
  check(a.named_parameters(), b.named_parameters());
  check(a.named_buffers(), b.named_buffers());
}

TEST_F(WeightsTest, SuperPointRoundTrips) {
  const SuperPoint network(SmallSuperPoint());
  SaveSuperPoint(network, {{"licence", "CC0"}}, path_);
  const LoadedSuperPoint loaded = LoadSuperPoint(path_);
  ExpectSameState(*network, *loaded.network, 0);
  EXPECT_FALSE(loaded.network->is_training());
  EXPECT_EQ(loaded.metadata.at("licence"), "CC0");
  EXPECT_EQ(loaded.metadata.at("encoder_widths"), "4,6,8,10");
  EXPECT_EQ(loaded.sha256, Sha256Hex(ReadWholeFile(path_)));
}

TEST_F(WeightsTest, SuperGlueRoundTripsWithItsRunningStatistics) {
  const SuperGlue network = TrainedSuperGlue();
  SaveSuperGlue(network, {}, path_);
  const LoadedSuperGlue loaded = LoadSuperGlue(path_);
  ExpectSameState(*network, *loaded.network, 0);
  EXPECT_FALSE(loaded.network->is_training());
  EXPECT_EQ(loaded.network->architecture().keypoint_encoder, (std::vector<int>{8, 12}));
  EXPECT_EQ(loaded.metadata.at("num_layer_pairs"), "2");
}

TEST_F(WeightsTest, Float16IsHalfTheSizeAndWithinItsRounding) {
  const SuperGlue network = TrainedSuperGlue();
  SaveSuperGlue(network, {}, path_, StoredType::kFloat32);
  const auto full = std::filesystem::file_size(path_);
  SaveSuperGlue(network, {}, path_, StoredType::kFloat16);
  EXPECT_LT(std::filesystem::file_size(path_), full * 3 / 4);  // headers and counters keep their size
  ExpectSameState(*network, *LoadSuperGlue(path_).network, 1.0 / 2048);
}

TEST_F(WeightsTest, SavingTwiceGivesTheSameBytes) {
  const SuperGlue network = TrainedSuperGlue();
  SaveSuperGlue(network, {{"seed", "1"}}, path_);
  const std::string first = ReadWholeFile(path_);
  const LoadedSuperGlue loaded = LoadSuperGlue(path_);
  SaveSuperGlue(loaded.network, loaded.metadata, path_);
  EXPECT_TRUE(ReadWholeFile(path_) == first);
}

TEST_F(WeightsTest, NetworksWithoutHiddenWidthsOrLayersRoundTrip) {
  SuperGlueArchitecture architecture = SmallSuperGlue();
  architecture.keypoint_encoder.clear();
  architecture.num_layer_pairs = 0;
  SaveSuperGlue(SuperGlue(architecture), {}, path_);
  EXPECT_EQ(LoadSuperGlue(path_).network->architecture().num_layer_pairs, 0);
}

TEST_F(WeightsTest, NarrowedAndFoldedSuperGluesRoundTrip) {
  SuperGlueArchitecture architecture = SmallSuperGlue();
  architecture.attention_dim = 8;
  architecture.mlp_hidden = 6;
  SuperGlue network(architecture);
  for (SuperGlue saved : {network, FoldBatchNorm(network)}) {
    SaveSuperGlue(saved, {}, path_);
    const LoadedSuperGlue loaded = LoadSuperGlue(path_);
    ExpectSameState(*saved, *loaded.network, 0);
    EXPECT_EQ(loaded.network->architecture().attention_dim, 8);
    EXPECT_EQ(loaded.network->architecture().mlp_hidden, 6);
    EXPECT_EQ(loaded.network->architecture().batch_norm, saved->architecture().batch_norm);
  }
}

// A network that is not as published in one number says so in its file's `key`; one that is says nothing.
void ExpectSaidWhereNotAsPublished(SuperGlueArchitecture architecture, int SuperGlueArchitecture::*number,
                                   int value, const std::string& key, const std::string& path) {
  architecture.*number = value;
  SaveSuperGlue(SuperGlue(architecture), {}, path);
  EXPECT_EQ(LoadSuperGlue(path).network->architecture().*number, value);
  SaveSuperGlue(SuperGlue(SmallSuperGlue()), {}, path);
  EXPECT_EQ(LoadSuperGlue(path).metadata.count(key), 0u);
}

// The file at path is refused with any of these for `key`.
template <typename Loaded = LoadedSuperGlue>
void ExpectRefused(const std::string& key, const std::vector<const char*>& values, const std::string& path,
                   Loaded (*load)(const std::string&) = LoadSuperGlue) {
  SafetensorsFile file = ReadSafetensors(path);
  for (const char* value : values) {
    file.metadata[key] = value;
    WriteSafetensors(file, path);
    EXPECT_THROW(load(path), WeightsError) << value;
  }
}

TEST_F(WeightsTest, TheNumberOfHeadsIsSaidWhereItIsNotFourAndRoundTrips) {
  SuperGlueArchitecture architecture = SmallSuperGlue();
  architecture.attention_dim = 6;
  ExpectSaidWhereNotAsPublished(architecture, &SuperGlueArchitecture::num_heads, 2, "num_heads", path_);
}

TEST_F(WeightsTest, TheIterationsOfTransportAreSaidWhereTheyAreNotAHundredAndUsed) {
  ExpectSaidWhereNotAsPublished(SmallSuperGlue(), &SuperGlueArchitecture::sinkhorn_iterations, 7,
                                "sinkhorn_iterations", path_);
  ExpectRefused("sinkhorn_iterations", {"0"}, path_);
}

TEST_F(WeightsTest, TheRoundsOfGuidanceAreSaidWhereThereAreAny) {
  ExpectSaidWhereNotAsPublished(SmallSuperGlue(), &SuperGlueArchitecture::guidance_rounds, 2,
                                "guidance_rounds", path_);
  ExpectRefused("guidance_rounds", {"0", "-1", "101", "many", ""}, path_);
}

TEST_F(WeightsTest, TheTestOfPairsIsSaidWhereThereIsOne) {
  ExpectSaidWhereNotAsPublished(SmallSuperGlue(), &SuperGlueArchitecture::min_neighbors, 3, "min_neighbors",
                                path_);
  SuperGlueArchitecture architecture = SmallSuperGlue();
  architecture.min_neighbors = 3;
  architecture.neighbor_similarity = 0.75;
  SaveSuperGlue(SuperGlue(architecture), {}, path_);
  EXPECT_EQ(LoadSuperGlue(path_).network->architecture().neighbor_similarity, 0.75);
  ExpectRefused("min_neighbors", {"0", "-1", "some"}, path_);
  ExpectRefused("neighbor_similarity", {"1.5", "-2", "high", ""}, path_);
}

TEST_F(WeightsTest, TheScalesToLookAtAreSaidWhereTheyAreNotOneAndComeBackExactly) {
  SuperPointArchitecture architecture = SmallSuperPoint();
  architecture.scales = {1.4, 1, 0.7, 1.0 / 3};
  SaveSuperPoint(SuperPoint(architecture), {}, path_);
  EXPECT_EQ(LoadSuperPoint(path_).network->architecture().scales, architecture.scales);
  EXPECT_EQ(LoadSuperPoint(path_).metadata.at("scales"), "1.4,1,0.7,0.3333333333333333");
  ExpectRefused("scales", {"", "one", "1,", "1;0.5", "1,1", "0", "5", "nan"}, path_, LoadSuperPoint);
  SaveSuperPoint(SuperPoint(SmallSuperPoint()), {}, path_);
  EXPECT_EQ(LoadSuperPoint(path_).metadata.count("scales"), 0u);
}

TEST_F(WeightsTest, SayWhetherDescriptorsArePooledOverTheScales) {
  SuperPointArchitecture architecture = SmallSuperPoint();
  architecture.pooled_descriptors = true;
  SaveSuperPoint(SuperPoint(architecture), {}, path_);
  EXPECT_TRUE(LoadSuperPoint(path_).network->architecture().pooled_descriptors);
  EXPECT_EQ(LoadSuperPoint(path_).metadata.at("descriptor_pooling"), "scales");
  ExpectRefused("descriptor_pooling", {"", "some", "Scales"}, path_, LoadSuperPoint);
  SaveSuperPoint(SuperPoint(SmallSuperPoint()), {}, path_);
  EXPECT_EQ(LoadSuperPoint(path_).metadata.count("descriptor_pooling"), 0u);
  EXPECT_FALSE(LoadSuperPoint(path_).network->architecture().pooled_descriptors);
}

TEST_F(WeightsTest, SayToWhatKeypointsAreRefined) {
  SuperPointArchitecture architecture = SmallSuperPoint();
  architecture.refinement_radius = 1;
  architecture.refinement = Refinement::kScores;
  SaveSuperPoint(SuperPoint(architecture), {}, path_);
  EXPECT_EQ(LoadSuperPoint(path_).network->architecture().refinement, Refinement::kScores);
  EXPECT_EQ(LoadSuperPoint(path_).metadata.at("refinement"), "scores");
  ExpectRefused("refinement", {"", "some", "Scores"}, path_, LoadSuperPoint);
  SaveSuperPoint(SuperPoint(SmallSuperPoint()), {}, path_);
  EXPECT_EQ(LoadSuperPoint(path_).metadata.count("refinement"), 0u);
  EXPECT_EQ(LoadSuperPoint(path_).network->architecture().refinement, Refinement::kHessian);
}

TEST_F(WeightsTest, TheRadiusOfAPlaceComesBackAndIsZeroWhereAFileDoesNotSay) {
  SuperPointArchitecture architecture = SmallSuperPoint();
  architecture.scales = {1, 0.5};
  architecture.place_radius = 2.5;
  SaveSuperPoint(SuperPoint(architecture), {}, path_);
  EXPECT_EQ(LoadSuperPoint(path_).network->architecture().place_radius, 2.5);
  EXPECT_EQ(LoadSuperPoint(path_).metadata.at("place_radius"), "2.5");
  ExpectRefused("place_radius", {"", "some", "-1", "65", "nan", "3px"}, path_, LoadSuperPoint);
  SaveSuperPoint(SuperPoint(SmallSuperPoint()), {}, path_);
  EXPECT_EQ(LoadSuperPoint(path_).metadata.count("place_radius"), 0u);
  EXPECT_EQ(LoadSuperPoint(path_).network->architecture().place_radius, 0);
}

TEST_F(WeightsTest, ANumberOfHeadsThatCannotBeIsRefused) {
  SaveSuperGlue(SuperGlue(SmallSuperGlue()), {}, path_);
  ExpectRefused("num_heads", {"0", "-1", "two", "2.0", "", "3", "99999999999"}, path_);
}

TEST_F(WeightsTest, CompressedParametersComeBackAsTheirCodesSay) {
  SuperGlue network(SmallSuperGlue());
  torch::NoGradGuard no_grad;
  const auto parameters = network->named_parameters();
  auto sparse = parameters["gnn.layers.0.mlp.0.weight"], coded = parameters["final_proj.weight"],
       linear = parameters["gnn.layers.1.mlp.3.weight"];
  sparse.mul_(torch::rand_like(sparse) < 0.2);
  coded.copy_(torch::where(coded > 0, torch::full_like(coded, 0.25f), torch::full_like(coded, -0.5f)));
  linear.copy_((linear * 100).round() * 0.125);
  CodedTensors codes;
  codes.sparse = {"gnn.layers.0.mlp.0.weight"};
  const auto bytes = [](const torch::Tensor& t) {
    const auto u8 = t.flatten().to(torch::kU8).contiguous();
    return std::vector<uint8_t>(u8.data_ptr<uint8_t>(), u8.data_ptr<uint8_t>() + u8.numel());
  };
  codes.codebook["final_proj.weight"] = {coded.sizes().vec(), bytes(coded > 0), {-0.5f, 0.25f}};
  codes.linear["gnn.layers.1.mlp.3.weight"] = {
      linear.sizes().vec(), bytes(linear * 8 + kLinearZero),
      std::vector<float>(static_cast<size_t>(linear.size(0)), 0.125f)};
  SaveSuperGlue(network, {}, path_, StoredType::kFloat32, codes);
  const LoadedSuperGlue loaded = LoadSuperGlue(path_);
  ExpectSameState(*network, *loaded.network, 0);
  SaveSuperGlue(loaded.network, {}, path_);  // dense again
  ExpectSameState(*network, *LoadSuperGlue(path_).network, 0);
}

TEST_F(WeightsTest, LoadingLeavesTheRandomNumbersAlone) {
  SaveSuperPoint(SuperPoint(SmallSuperPoint()), {}, path_);
  torch::manual_seed(5);
  const auto expected = torch::rand({4});
  torch::manual_seed(5);
  LoadSuperPoint(path_);
  EXPECT_TRUE(torch::equal(torch::rand({4}), expected));
}

TEST_F(WeightsTest, BatchNormalisationMustBeFoldedBeforeSaving) {
  SuperPointArchitecture architecture = SmallSuperPoint();
  architecture.batch_norm = true;
  SuperPoint network(architecture);
  EXPECT_THROW(SaveSuperPoint(network, {}, path_), WeightsError);
  EXPECT_FALSE(std::filesystem::exists(path_));
  SaveSuperPoint(FoldBatchNorm(network), {}, path_);
  EXPECT_FALSE(LoadSuperPoint(path_).network->architecture().batch_norm);
}

TEST_F(WeightsTest, NonFiniteWeightsAreNotSaved) {
  const SuperPoint network(SmallSuperPoint());
  torch::NoGradGuard no_grad;
  network->named_parameters()["conv1a.bias"][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(SaveSuperPoint(network, {}, path_), WeightsError);
  network->named_parameters()["conv1a.bias"][0] = 1e5;  // beyond float16
  EXPECT_THROW(SaveSuperPoint(network, {}, path_, StoredType::kFloat16), WeightsError);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

void SetFloat(SafetensorsFile& file, const std::string& name, float value) {
  file.tensors.at(name).bytes.replace(0, sizeof(value), reinterpret_cast<const char*>(&value), sizeof(value));
}

struct Tampering {
  const char* message;  // must be in the refusal, besides the path
  std::function<void(SafetensorsFile&)> edit;
};

TEST_F(WeightsTest, TamperedFilesAreRefusedByEntry) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  using File = SafetensorsFile;
  const Tampering table[] = {
      {"'gnn.layers.3.mlp.1.running_var' is missing",
       [](File& f) { f.tensors.erase("gnn.layers.3.mlp.1.running_var"); }},
      {"'final_proj.weight' is missing", [](File& f) { f.tensors.erase("final_proj.weight"); }},
      {"'bin_score' is missing", [](File& f) { f.tensors.erase("bin_score"); }},
      {"'extra' does not belong", [](File& f) { f.tensors["extra"] = f.tensors["bin_score"]; }},
      {"'kenc.encoder.0.bias' has shape [2, 4], expected [8]",
       [](File& f) {
         f.tensors["kenc.encoder.0.bias"].shape = {2, 4};
       }},
      {"'final_proj.weight' has 2 dimensions",
       [](File& f) {
         f.tensors["final_proj.weight"].shape = {16, 16};
       }},
      {"dtype I32", [](File& f) { f.tensors["bin_score"].type = ScalarType::kI32; }},
      {"expected I64",
       [](File& f) { f.tensors["gnn.layers.0.mlp.1.num_batches_tracked"].type = ScalarType::kF64; }},
      {"'bin_score' holds NaN", [&](File& f) { SetFloat(f, "bin_score", nan); }},
      {"'final_proj.weight' holds NaN", [&](File& f) { SetFloat(f, "final_proj.weight", infinity); }},
      {"3 attention layers",
       [](File& f) {
         for (auto it = f.tensors.begin(); it != f.tensors.end();) {
           it = it->first.rfind("gnn.layers.3.", 0) == 0 ? f.tensors.erase(it) : std::next(it);
         }
       }},
      {"'num_layer_pairs' is '3', the tensors are those of '2'",
       [](File& f) { f.metadata["num_layer_pairs"] = "3"; }},
      {"'descriptor_dim' is missing", [](File& f) { f.metadata.erase("descriptor_dim"); }},
      {"'architecture' is missing", [](File& f) { f.metadata.clear(); }},
      {"'architecture' is 'superpoint'", [](File& f) { f.metadata["architecture"] = "superpoint"; }},
      {"'format_version' is '2'", [](File& f) { f.metadata["format_version"] = "2"; }},
      {"multiple of 4",
       [](File& f) {
         f.tensors["final_proj.weight"] = {ScalarType::kF32, {6, 0, 1}, ""};
       }},
      {"values, an architecture of these sizes",
       [](File& f) {  // 4096 wide, 64 pairs deep, without the bytes
         for (int i = 0; i < 128; ++i) {
           f.tensors["gnn.layers." + std::to_string(i) + ".attn.merge.weight"] = {ScalarType::kF32, {0}, ""};
         }
         f.tensors["final_proj.weight"] = {ScalarType::kF32, {4096, 0, 1}, ""};
       }},
  };
  SaveSuperGlue(TrainedSuperGlue(), {}, path_);
  const SafetensorsFile good = ReadSafetensors(path_);
  for (const Tampering& tampering : table) {
    SafetensorsFile file = good;
    tampering.edit(file);
    WriteSafetensors(file, path_);
    try {
      LoadSuperGlue(path_);
      ADD_FAILURE() << "not refused: " << tampering.message;
    } catch (const WeightsError& error) {
      EXPECT_THAT(error.what(), testing::AllOf(HasSubstr(path_), HasSubstr(tampering.message)));
      EXPECT_EQ(error.exit_status(), 4);
    }
  }
}

TEST_F(WeightsTest, EachNetworkRefusesTheOthersWeights) {
  SaveSuperPoint(SuperPoint(SmallSuperPoint()), {}, path_);
  EXPECT_THROW(LoadSuperGlue(path_), WeightsError);
  SaveSuperGlue(TrainedSuperGlue(), {}, path_);
  EXPECT_THROW(LoadSuperPoint(path_), WeightsError);
}

TEST_F(WeightsTest, TruncatedFilesAreRefused) {
  SaveSuperPoint(SuperPoint(SmallSuperPoint()), {}, path_);
  const std::string whole = ReadWholeFile(path_);
  for (const size_t size :
       {size_t{0}, size_t{7}, size_t{8}, size_t{500}, whole.size() / 2, whole.size() - 1}) {
    WriteFileAtomically(path_, whole.substr(0, size));
    EXPECT_THROW(LoadSuperPoint(path_), WeightsError) << size << " bytes";
  }
}

TEST_F(WeightsTest, OfficialFilesAreImported) {
  const std::string golden = COLMATCH_SOURCE_DIR "/../shared/golden/";
  if (!std::filesystem::exists(golden)) GTEST_SKIP() << "no golden weights in " << golden;
  EXPECT_EQ(ImportPth(golden + "superpoint_zip.pth", path_, {{"licence", "test"}}), "superpoint");
  const LoadedSuperPoint zip = LoadSuperPoint(path_);
  EXPECT_EQ(zip.metadata.at("encoder_widths"), "64,64,128,128");
  EXPECT_EQ(zip.metadata.at("licence"), "test");
  EXPECT_EQ(ImportPth(golden + "superpoint_legacy.pth", path_, {}), "superpoint");
  ExpectSameState(*zip.network, *LoadSuperPoint(path_).network, 0);
  EXPECT_EQ(ImportPth(golden + "superglue_depth3_legacy.pth", path_, {}), "superglue");
  const LoadedSuperGlue superglue = LoadSuperGlue(path_);
  EXPECT_EQ(superglue.metadata.at("num_layer_pairs"), "3");
  EXPECT_EQ(superglue.metadata.at("keypoint_encoder"), "32,64,128,256");
}

TEST_F(WeightsTest, PicklesRenamedToSafetensorsAreRefusedWithAHint) {
  WriteFileAtomically(path_, std::string("\x80\x02"
                                         "cposix\nsystem\nX\4\0\0\0true\x85R.",
                                         29));
  try {
    LoadSuperPoint(path_);
    FAIL() << "not refused";
  } catch (const WeightsError& error) {
    EXPECT_THAT(error.what(), HasSubstr("weights import"));
  }
  EXPECT_THROW(ImportPth(path_, path_ + ".out", {}), WeightsError);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".out"));
}

}  // namespace
}  // namespace colmatch
