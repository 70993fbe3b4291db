// Attention without gradients is fused: the same numbers as in one piece.
#include "network/attention.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

#include "network/kernels/attention_kernel.h"
#include "network/kernels/simd.h"
#include "tests/gpu_test.h"
#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

TEST(Attention, FusedAgreesWithInOnePiece) {
  for (const auto& [n, m] : {std::pair<int64_t, int64_t>{1, 1}, {7, 3}, {3, 700}, {1000, 17}, {513, 1025}}) {
    const auto query = 5 * torch::randn({2, 4, n, 8}), key = torch::randn({2, 4, m, 8}),
               value = torch::randn({2, 4, m, 8});
    const auto whole = Attention(query, key, value);
    torch::NoGradGuard no_grad;
    EXPECT_TRUE(TensorsNear(Attention(query, key, value), whole, 1e-5)) << n << " x " << m;
  }
}

TEST(Attention, TakesHeadsThatAreInterleavedInMemory) {
  const auto interleaved = [](int64_t n) { return torch::randn({1, n, 8, 4}).permute({0, 3, 1, 2}); };
  const auto query = interleaved(40), key = interleaved(50), value = interleaved(50);
  const auto whole = Attention(query, key, value);
  torch::NoGradGuard no_grad;
  EXPECT_TRUE(TensorsNear(Attention(query, key, value), whole, 2e-6));
}

TEST(Attention, GradientsReachAllThree) {
  auto query = torch::randn({1, 2, 5, 4}, torch::requires_grad()),
       key = torch::randn({1, 2, 6, 4}, torch::requires_grad()),
       value = torch::randn({1, 2, 6, 4}, torch::requires_grad());
  Attention(query, key, value).square().sum().backward();
  for (const auto& t : {query, key, value}) EXPECT_GT(t.grad().abs().max().item<double>(), 0);
}

class AttentionOnAGpu : public GpuTest {};

TEST_F(AttentionOnAGpu, AgreesWithTheCpuForwardAndBackward) {
  const auto values = [](int64_t n) { return torch::randn({2, 4, n, 32}); };
  const std::vector<torch::Tensor> inputs = {values(37), values(53), values(53)};
  const auto run = [&](const torch::Device& device) {
    std::vector<torch::Tensor> own;
    for (const auto& t : inputs) own.push_back(t.to(device).detach().clone().requires_grad_());
    std::vector<torch::Tensor> results = {Attention(own[0], own[1], own[2])};
    results[0].square().sum().backward();
    for (const auto& t : own) results.push_back(t.grad());
    return results;
  };
  const auto expected = run(torch::kCPU), found = run(torch::kCUDA);
  for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(TensorsNear(found[i].cpu(), expected[i], 1e-4)) << i;
}

// Every path this machine can run, not only the one it would choose.
TEST(AttendHead, AgreesWithDoublesForVectorsOfEveryWidth) {
  for (int lanes = 4; lanes <= simd::BestLanes(); lanes *= 2) {
    for (const int64_t d : {1, 4, 8, 12, 16, 32, 64}) {
      const int64_t n = 15, m = 37;
      const auto query = torch::randn({n, d}), key = torch::randn({m, d}), value = torch::randn({m, d});
      auto message = torch::empty({n, d});
      AttendHeadWith(lanes, query.data_ptr<float>(), n, key.data_ptr<float>(), value.data_ptr<float>(), m, d,
                     0.5, message.data_ptr<float>());
      const auto q = query.to(torch::kDouble), k = key.to(torch::kDouble), v = value.to(torch::kDouble);
      const auto expected = torch::softmax(0.5 * q.mm(k.t()), 1).mm(v);
      EXPECT_TRUE(TensorsNear(message.to(torch::kDouble), expected, 5e-6)) << lanes << " lanes, d = " << d;
    }
  }
}

TEST(AttendHead, AKeyFarBelowTheBestHasNoPart) {
  const std::vector<float> query = {1}, key = {-1000, 3, -2000, 3}, value = {7e30f, 1, 7e30f, 2};
  float message = 0;
  AttendHead(query.data(), 1, key.data(), value.data(), 4, 1, 1, &message);
  EXPECT_FLOAT_EQ(message, 1.5f);
}

}  // namespace
}  // namespace colmatch
