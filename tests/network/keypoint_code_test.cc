// Tests of the fixed code of positions: it is made of triangular waves, exact in float16, and training leaves
// it alone.
#include "network/keypoint_code.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "network/weights.h"
#include "tests/network/tensor_near.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr int kOctaves = 5;

SuperGlueArchitecture Architecture() {
  SuperGlueArchitecture architecture{8, KeypointCodeWidths(kOctaves), 1};
  architecture.fixed_keypoint_code = true;
  return architecture;
}

// (N, 3) x, y, score to (N, 8 * octaves + 1).
torch::Tensor Code(const torch::Tensor& input) {
  const auto widths = KeypointCodeWidths(kOctaves);
  auto weight0 = torch::empty({widths[0], 3, 1}), bias0 = torch::empty({widths[0]}),
       weight1 = torch::empty({widths[1], widths[0], 1}), bias1 = torch::empty({widths[1]});
  FillKeypointCode(weight0, bias0, weight1, bias1);
  for (const auto& t : {weight0, bias0, weight1, bias1})
    EXPECT_TRUE(t.to(torch::kHalf).to(torch::kFloat).equal(t)) << "not exact in float16";
  const auto hinges = torch::relu(torch::linear(input, weight0.squeeze(2), bias0));
  return torch::relu(torch::linear(hinges, weight1.squeeze(2), bias1));
}

// Of amplitude 1/2, rising from its least value (phase 0) or from 0 (phase 1/4) at -1.
double Triangle(double x, double wavelength, double phase) {
  const double t = std::fmod((x + 1) / wavelength + phase, 1.0);
  return t < 0.5 ? 2 * t - 0.5 : 1.5 - 2 * t;
}

TEST(KeypointCode, IsMadeOfTriangularWavesOfEveryOctave) {
  const int n = 401;
  auto input = torch::zeros({n, 3});
  input.select(1, 0).copy_(torch::linspace(-0.93, 0.93, n));
  input.select(1, 1).copy_(torch::linspace(0.9, -0.9, n));
  input.select(1, 2).copy_(torch::linspace(0, 1, n));
  const auto code = Code(input);
  int64_t column = 0;
  for (int octave = 0; octave < kOctaves; ++octave) {
    const double wavelength = 8.0 / (1 << kOctaves) * (1 << octave);
    for (const int axis : {0, 1}) {
      for (const double phase : {0.0, 0.25}) {
        for (const double sign : {1.0, -1.0}) {
          for (int64_t i = 0; i < n; i += 7) {
            const double wave = sign * Triangle(input[i][axis].item<float>(), wavelength, phase);
            EXPECT_NEAR(code[i][column].item<float>(), std::max(0.0, wave), 2e-5)
                << "wavelength " << wavelength << ", axis " << axis << ", phase " << phase << ", point " << i;
          }
          ++column;
        }
      }
    }
  }
  EXPECT_TRUE(TensorsNear(code.select(1, column), input.select(1, 2), 0)) << "the score comes last";
}

TEST(KeypointCode, IsLevelBeyondItsRange) {
  const auto code = Code(torch::tensor({{1.0f, -1.0f, 0.0f}, {7.0f, -9.0f, 0.0f}}));
  EXPECT_TRUE(TensorsNear(code[0], code[1], 2e-4));
}

TEST(KeypointCode, TrainingLeavesItAlone) {
  torch::manual_seed(1);
  SuperGlue network(Architecture());
  network->train();
  const auto hidden = network->kenc->encoder->linears()[1]->weight.clone();
  const auto mean = network->kenc->encoder->norms()[0]->running_mean.clone();
  torch::optim::SGD optimizer(network->parameters(), 0.1);
  const SuperGlueInput input{torch::rand({1, 6, 2}), torch::rand({1, 6}), torch::randn({1, 8, 6})};
  network->forward(input, input).sum().backward();
  optimizer.step();
  EXPECT_TRUE(network->kenc->encoder->linears()[1]->weight.equal(hidden));
  EXPECT_TRUE(network->kenc->encoder->norms()[0]->running_mean.equal(mean));
  EXPECT_GT(network->kenc->encoder->last()->weight.grad().abs().max().item<float>(), 0);
}

TEST(KeypointCode, AFileSaysThatItsCodeIsFixed) {
  const TemporaryFolder folder;
  SaveSuperGlue(SuperGlue(Architecture()), {}, folder.File("code.safetensors"), StoredType::kFloat16);
  SuperGlue loaded = LoadSuperGlue(folder.File("code.safetensors")).network;
  EXPECT_TRUE(loaded->architecture().fixed_keypoint_code);
  EXPECT_FALSE(loaded->kenc->encoder->linears()[0]->weight.requires_grad());
  SaveSuperGlue(SuperGlue(SuperGlueArchitecture{8, KeypointCodeWidths(kOctaves), 1}), {},
                folder.File("learned.safetensors"));
  EXPECT_FALSE(LoadSuperGlue(folder.File("learned.safetensors")).network->architecture().fixed_keypoint_code);
}

TEST(KeypointCode, OtherWidthsAreRefused) {
  SuperGlueArchitecture architecture = Architecture();
  architecture.keypoint_encoder = {32, 64};
  EXPECT_THROW(SuperGlue{architecture}, WeightsError);
}

}  // namespace
}  // namespace colmatch
