// Parity with a reference at every stage it recorded. Two references: a small one in the repository, random
// weights and NumPy's formulas (scripts/make_golden.py), and, where ../shared/golden is there, the published
// implementation on weights of the published sizes.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdio>
#include <filesystem>
#include <set>

#include "network/engines/pair_matching.h"
#include "network/keypoints.h"
#include "network/optimal_transport.h"
#include "network/superglue.h"
#include "network/superpoint.h"
#include "network/weights.h"
#include "tests/network/npz_reader.h"
#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

// float32 sums of up to 2304 products in another order differ by some 1e-6 a layer; ten layers, attention and
// 100 Sinkhorn iterations stay below 1e-4 (of the value, where it exceeds 1: couplings reach 70 and their
// float32 rounding alone is 4e-6), while a wrong formula, such as a shift or a transposed head, gives 1e-2
// and more.
constexpr double kTolerance = 1e-4;
constexpr char kPublished[] = COLMATCH_SOURCE_DIR "/../shared/golden/";
constexpr char kSmall[] = COLMATCH_SOURCE_DIR "/tests/testdata/golden/";

struct Reference {
  std::map<std::string, torch::Tensor> stages;
  SuperPoint superpoint{nullptr};
  SuperGlue superglue{nullptr};
};

Reference ReadReference(const std::string& folder) {
  Reference reference;
  reference.stages = ReadNpz(folder + "reference.npz");
  std::string superpoint = folder + "superpoint.safetensors", superglue = folder + "superglue.safetensors";
  if (folder == kPublished) {
    superpoint = COLMATCH_BINARY_DIR "/golden_superpoint.safetensors";
    superglue = COLMATCH_BINARY_DIR "/golden_superglue.safetensors";
    ImportPth(folder + "superpoint_legacy.pth", superpoint, {});
    ImportPth(folder + "superglue_depth3_legacy.pth", superglue, {});
  }
  reference.superpoint = LoadSuperPoint(superpoint).network;
  reference.superglue = LoadSuperGlue(superglue).network;
  return reference;
}

// By the folder of the reference.
class GoldenTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string folder = GetParam();
    if (!std::filesystem::exists(folder + "reference.npz")) GTEST_SKIP() << "no golden tensors in " << folder;
    static std::map<std::string, Reference> read;
    if (read.count(folder) == 0) read[folder] = ReadReference(folder);
    reference_ = &read[folder].stages;
    superpoint_ = &read[folder].superpoint;
    superglue_ = &read[folder].superglue;
  }

  torch::Tensor At(const std::string& name) const { return reference_->at(name); }
  torch::Tensor Image(int index) const {
    return (At("image" + std::to_string(index)).to(torch::kFloat) / 255).unsqueeze(0).unsqueeze(0);
  }
  Features ReferenceFeatures(int index) const {
    const std::string suffix = std::to_string(index);
    Features features;
    features.keypoints = At("keypoints" + suffix);
    features.scores = At("scores" + suffix);
    features.descriptors = At("descriptors" + suffix);
    features.width = static_cast<int>(At("image" + suffix).size(1));
    features.height = static_cast<int>(At("image" + suffix).size(0));
    return features;
  }
  SuperGlueInput ReferenceInput(int index, torch::ScalarType type) const {
    const Features features = ReferenceFeatures(index);
    return {NormalizeKeypoints(features.keypoints, features.width, features.height).unsqueeze(0).to(type),
            features.scores.unsqueeze(0).to(type), features.descriptors.unsqueeze(0).to(type)};
  }
  static void ExpectStage(const std::string& stage, const torch::Tensor& ours,
                          const torch::Tensor& reference) {
    ASSERT_EQ(ours.sizes(), reference.sizes()) << stage;
    const auto scale = reference.abs().clamp_min(1);
    EXPECT_TRUE(TensorsNear(ours / scale, reference / scale, kTolerance)) << stage;
    const Difference difference = DifferenceOf(ours, reference);
    std::printf("%-30s max %.2e  mean %.2e  median %.2e  (values up to %.1e)\n", stage.c_str(),
                difference.max, difference.mean, difference.median, reference.abs().max().item<double>());
  }
  static KeypointOptions ReferenceOptions() {
    KeypointOptions options;
    options.max_num_features = 512;
    return options;
  }

  torch::NoGradGuard no_grad_;
  const std::map<std::string, torch::Tensor>* reference_ = nullptr;
  SuperPoint* superpoint_ = nullptr;
  SuperGlue* superglue_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(InTheRepository, GoldenTest, testing::Values(kSmall));
INSTANTIATE_TEST_SUITE_P(Published, GoldenTest, testing::Values(kPublished));

// (x, y) to the row of the keypoint; the order of equal scores is nobody's contract.
std::map<std::pair<int64_t, int64_t>, int64_t> RowsByPosition(const torch::Tensor& keypoints) {
  std::map<std::pair<int64_t, int64_t>, int64_t> rows;
  const auto xy = keypoints.to(torch::kLong);
  const auto values = xy.accessor<int64_t, 2>();
  for (int64_t i = 0; i < xy.size(0); ++i) rows[{values[i][0], values[i][1]}] = i;
  return rows;
}

TEST_P(GoldenTest, ScoreMapsAgree) {
  for (int i = 0; i < 2; ++i) {
    const auto scores = ScoresFromLogits((*superpoint_)->forward(Image(i)).logits)[0];
    ExpectStage("score_map" + std::to_string(i), scores, At("score_map" + std::to_string(i)));
  }
}

TEST_P(GoldenTest, KeypointsScoresAndDescriptorsAgree) {
  for (int i = 0; i < 2; ++i) {
    const std::string suffix = std::to_string(i);
    const Features ours = ExtractFeatures(*superpoint_, Image(i), ReferenceOptions());
    const auto our_rows = RowsByPosition(ours.keypoints);
    std::vector<int64_t> order;  // our row of each reference keypoint
    for (const auto& [position, row] : RowsByPosition(At("keypoints" + suffix))) {
      ASSERT_EQ(our_rows.count(position), 1u) << "image " << i << ": reference keypoint at " << position.first
                                              << ", " << position.second << " is not ours";
    }
    ASSERT_EQ(ours.size(), At("keypoints" + suffix).size(0));
    const auto xy = At("keypoints" + suffix).to(torch::kLong);
    for (int64_t k = 0; k < xy.size(0); ++k) {
      order.push_back(our_rows.at({xy[k][0].item<int64_t>(), xy[k][1].item<int64_t>()}));
    }
    const auto index = torch::tensor(order);
    ExpectStage("keypoints" + suffix, ours.keypoints.index_select(0, index), At("keypoints" + suffix));
    ExpectStage("scores" + suffix, ours.scores.index_select(0, index), At("scores" + suffix));
    ExpectStage("descriptors" + suffix, ours.descriptors.index_select(1, index), At("descriptors" + suffix));
  }
}

TEST_P(GoldenTest, KeypointsOfTheReferenceScoreMapAreIdentical) {
  for (int i = 0; i < 2; ++i) {
    const std::string suffix = std::to_string(i);
    const Keypoints ours = SelectKeypoints(At("score_map" + suffix), ReferenceOptions());
    EXPECT_TRUE(torch::equal(ours.scores, At("scores" + suffix)));
    const auto our_rows = RowsByPosition(ours.xy);
    EXPECT_EQ(our_rows.size(), RowsByPosition(At("keypoints" + suffix)).size());
    for (const auto& [position, row] : RowsByPosition(At("keypoints" + suffix))) {
      EXPECT_EQ(our_rows.count(position), 1u);
    }
  }
}

// Also in double: what then differs is the reference's own rounding.
TEST_P(GoldenTest, EveryStageOfSuperGlueAgrees) {
  SuperGlue& network = *superglue_;
  for (const auto type : {torch::kDouble, torch::kFloat}) {  // float last: the state the other tests expect
    network->to(type);
    const std::string suffix = type == torch::kDouble ? " (double)" : "";
    const SuperGlueInput input0 = ReferenceInput(0, type), input1 = ReferenceInput(1, type);
    ExpectStage("normalized_keypoints0" + suffix, input0.keypoints[0], At("normalized_keypoints0"));
    auto desc0 = network->Encode(input0), desc1 = network->Encode(input1);
    ExpectStage("encoded0" + suffix, desc0[0].t(), At("encoded0"));
    for (size_t layer = 0; layer < network->gnn->num_layers(); ++layer) {
      network->gnn->Layer(layer, desc0, desc1);
      if (layer == 0) ExpectStage("after_layer0_0" + suffix, desc0[0].t(), At("after_layer0_0"));
    }
    ExpectStage("after_gnn0" + suffix, desc0[0].t(), At("after_gnn0"));
    ExpectStage("after_gnn1" + suffix, desc1[0].t(), At("after_gnn1"));
    const auto scores = network->CouplingScores(desc0, desc1);
    ExpectStage("coupling_scores" + suffix, scores[0], At("coupling_scores"));
    ExpectStage("log_assignment" + suffix, LogTransport(scores, network->bin_score, 100)[0],
                At("log_assignment"));
  }
}

TEST_P(GoldenTest, OptimalTransportOfTheReferenceScoresAgrees) {
  const auto scores = At("coupling_scores").unsqueeze(0);
  ExpectStage("log_assignment (alone)", LogTransport(scores, (*superglue_)->bin_score, 100)[0],
              At("log_assignment"));
}

TEST_P(GoldenTest, MatchesOfTheReferenceFeaturesAreIdentical) {
  const FeatureMatches ours =
      MatchFeatures(*superglue_, ReferenceFeatures(0), ReferenceFeatures(1), SuperGlueOptions());
  EXPECT_TRUE(torch::equal(ours.matches0, At("matches0")));
  EXPECT_TRUE(torch::equal(ours.matches1, At("matches1")));
  EXPECT_GT((ours.matches0 >= 0).sum().item<int64_t>(), 50) << "the comparison would be empty";
  ExpectStage("matching_scores0", ours.matching_scores0, At("matching_scores0"));
  ExpectStage("matching_scores1", ours.matching_scores1, At("matching_scores1"));
}

// Random weights are sharper judges than trained ones: their matches hang on small differences.
TEST_P(GoldenTest, InFewBitsNearlyAllKeypointsHaveTheReferencesMatch) {
  // Of a few dozen keypoints one is a percent.
  const bool few = GetParam() == std::string(kSmall);
  torch::NoGradGuard no_grad;
  for (const bool int8 : {false, true}) {
    SuperGlue network = FoldBatchNorm(*superglue_);
    const auto engine = MakeSuperGlueEngine(network, int8 ? Precision::kInt8 : Precision::kBf16, torch::kCPU);
    const FeatureMatches ours =
        MatchFeatures(*engine, ReferenceFeatures(0), ReferenceFeatures(1), SuperGlueOptions());
    const auto equal = torch::cat({ours.matches0 == At("matches0"), ours.matches1 == At("matches1")});
    const double share = equal.to(torch::kDouble).mean().item<double>();
    std::printf("%s: %.2f %% of keypoints as the reference\n", int8 ? "int8" : "bf16", 100 * share);
    EXPECT_GT(share, few ? 0.9 : int8 ? 0.97 : 0.99);
  }
}

// Image to matches, all our own: pairs of positions, since the rows may be in another order.
TEST_P(GoldenTest, MatchesFromTheImagesAreIdentical) {
  using Pair = std::vector<int64_t>;
  const auto pairs = [](const torch::Tensor& matches0, const torch::Tensor& xy0, const torch::Tensor& xy1) {
    std::set<Pair> result;
    for (int64_t i = 0; i < matches0.size(0); ++i) {
      const auto j = matches0[i].item<int64_t>();
      if (j == kUnmatched) continue;
      const auto row = torch::cat({xy0[i], xy1[j]}).to(torch::kLong);
      result.insert(Pair(row.data_ptr<int64_t>(), row.data_ptr<int64_t>() + 4));
    }
    return result;
  };
  const Features features0 = ExtractFeatures(*superpoint_, Image(0), ReferenceOptions());
  const Features features1 = ExtractFeatures(*superpoint_, Image(1), ReferenceOptions());
  const FeatureMatches ours = MatchFeatures(*superglue_, features0, features1, SuperGlueOptions());
  EXPECT_EQ(pairs(ours.matches0, features0.keypoints, features1.keypoints),
            pairs(At("matches0"), At("keypoints0"), At("keypoints1")));
}

}  // namespace
}  // namespace colmatch
