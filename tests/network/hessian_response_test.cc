// The determinant of the Hessian: its values, where it peaks, and where it vanishes.
#include "network/hessian_response.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <utility>

#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

constexpr int64_t kHeight = 48, kWidth = 64;

torch::Tensor Columns() { return torch::arange(kWidth).to(torch::kFloat).view({1, 1, 1, kWidth}); }
torch::Tensor Rows() { return torch::arange(kHeight).to(torch::kFloat).view({1, 1, kHeight, 1}); }

// White on black, of the given centre and standard deviation, pixels.
torch::Tensor Blob(double x, double y, double sigma = 2) {
  return torch::exp(-((Columns() - x).square() + (Rows() - y).square()) / (2 * sigma * sigma));
}

// Black to white within about four pixels, across the line at this angle through the middle.
torch::Tensor Edge(double angle_deg) {
  const double a = angle_deg * M_PI / 180;
  return torch::sigmoid(2 * (std::cos(a) * (Columns() - kWidth / 2) + std::sin(a) * (Rows() - kHeight / 2)));
}

// Without the pixels that the repeated borders influence.
torch::Tensor Inner(const torch::Tensor& response) {
  return response.narrow(0, 8, kHeight - 16).narrow(1, 8, kWidth - 16);
}

// The strongest pixel's place, refined; (1, 2).
torch::Tensor Top(const torch::Tensor& response) {
  const int64_t best = response.argmax().item<int64_t>();
  const auto xy = torch::tensor({{static_cast<float>(best % kWidth), static_cast<float>(best / kWidth)}});
  return RefineToParabola(xy, response);
}

TEST(HessianResponse, OfAQuadraticImageIsItsDeterminantEverywhere) {
  const std::tuple<double, double, double> derivatives[] = {
      {2e-3, 1e-3, 0}, {-2e-3, -1e-3, 5e-4}, {2e-3, -1e-3, 0}, {0, 0, 2e-3}};
  for (const auto& [xx, yy, xy] : derivatives) {
    const auto x = (Columns() - 32).to(torch::kDouble), y = (Rows() - 24).to(torch::kDouble);
    const auto image = (0.5 * xx * x.square() + 0.5 * yy * y.square() + xy * x * y).to(torch::kFloat);
    const auto response = Inner(HessianResponse(image));
    EXPECT_TRUE(TensorsNear(response, torch::full_like(response, std::abs(xx * yy - xy * xy)), 2e-8))
        << xx << ", " << yy << ", " << xy;
  }
}

TEST(HessianResponse, VanishesOnFlatPlacesAndUprightEdges) {
  const double blob = HessianResponse(Blob(32, 24)).max().item<double>();
  EXPECT_GT(blob, 1e-3);
  for (const float grey : {0.0f, 0.4f, 1.0f})
    EXPECT_LT(HessianResponse(torch::full({1, 1, kHeight, kWidth}, grey)).max().item<double>(), 1e-9 * blob);
  for (const double angle : {0, 90}) {
    const auto edge = Edge(angle).expand({1, 1, kHeight, kWidth}).contiguous();
    EXPECT_LT(HessianResponse(edge).max().item<double>(), 1e-4 * blob) << angle;
  }
}

TEST(HessianResponse, IsSmallOnSlantedEdges) {
  const double blob = HessianResponse(Blob(32, 24)).max().item<double>();
  for (const double angle : {10, 30, 45, 70, 120})
    EXPECT_LT(Inner(HessianResponse(Edge(angle))).max().item<double>(), 0.05 * blob) << angle;
}

TEST(HessianResponse, PeaksAtTheCentreOfABlobBetweenPixels) {
  for (const auto& [x, y] :
       {std::pair<float, float>{32, 24}, {31.7f, 20.4f}, {20.25f, 30.5f}, {40.4f, 15.1f}}) {
    const auto centre = torch::tensor({{x, y}});
    EXPECT_TRUE(TensorsNear(Top(HessianResponse(Blob(x, y))), centre, 0.05)) << x << ", " << y;
    EXPECT_TRUE(TensorsNear(Top(HessianResponse(1 - Blob(x, y))), centre, 0.05)) << "black on white";
  }
}

// Smoothing widens the blob's variance by 1.5 squared; at its centre both derivatives are its height over its
// variance.
TEST(HessianResponse, IsThatOfABlobSmoothedByOneAndAHalfPixels) {
  constexpr double kSigma = 5, kVariance = kSigma * kSigma + 1.5 * 1.5;
  const double derivative = kSigma * kSigma / kVariance / kVariance;
  const double response = HessianResponse(Blob(32, 24, kSigma))[24][32].item<double>();
  EXPECT_NEAR(response / (derivative * derivative), 1, 0.03);
}

TEST(HessianResponse, PeaksWhereFourFieldsOfACheckerboardMeet) {
  const auto image = 0.5 + 0.5 * torch::tanh((Columns() - 30.3) / 2) * torch::tanh((Rows() - 21.8) / 2);
  EXPECT_TRUE(TensorsNear(Top(HessianResponse(image)), torch::tensor({{30.3f, 21.8f}}), 0.05));
}

TEST(HessianResponse, TurnsWithTheImage) {
  const auto image = torch::rand({1, 1, 40, 56});
  const auto upright = HessianResponse(image);
  for (const int64_t turns : {1, 2, 3}) {
    const auto turned = HessianResponse(image.rot90(turns, {2, 3}));
    EXPECT_TRUE(TensorsNear(turned, upright.rot90(turns, {0, 1}), 1e-6)) << turns;
  }
}

TEST(HessianResponse, GrowsWithTheSquareOfContrastAndNotWithBrightness) {
  const auto image = torch::rand({1, 1, kHeight, kWidth});
  const auto response = HessianResponse(image);
  EXPECT_TRUE(TensorsNear(HessianResponse(0.3 * image + 0.5), 0.09 * response, 1e-6));
}

// In double it is LibTorch's operations, in float32 the CPU's own.
TEST(HessianResponse, IsTheSameInFloatAndInDouble) {
  for (const auto& [height, width] :
       {std::pair<int, int>{1, 1}, {1, 50}, {3, 2}, {37, 5}, {48, 64}, {130, 33}, {65, 201}}) {
    const auto image = torch::rand({1, 1, height, width});
    EXPECT_TRUE(TensorsNear(HessianResponse(image), HessianResponse(image.to(torch::kDouble)), 1e-5))
        << height << " x " << width;
  }
}

TEST(HessianResponse, RefusesBatchesAndColours) {
  EXPECT_THROW(HessianResponse(torch::rand({2, 1, 20, 20})), c10::Error);
  EXPECT_THROW(HessianResponse(torch::rand({1, 3, 20, 20})), c10::Error);
  EXPECT_THROW(HessianResponse(torch::rand({20, 20})), c10::Error);
}

TEST(LocalPeaks, AreTheLargestOfTheirEightNeighboursAndUnchanged) {
  const auto response = torch::rand({12, 17});
  const auto peaks = LocalPeaks(response);
  ASSERT_EQ(peaks.sizes(), response.sizes());
  for (int64_t y = 0; y < 12; ++y) {
    for (int64_t x = 0; x < 17; ++x) {
      const int64_t x0 = std::max<int64_t>(0, x - 1), y0 = std::max<int64_t>(0, y - 1);
      const auto window = response.slice(0, y0, y + 2).slice(1, x0, x + 2);
      const float value = response[y][x].item<float>(), largest = window.max().item<float>();
      EXPECT_EQ(peaks[y][x].item<float>(), value == largest ? value : 0) << x << ", " << y;
    }
  }
}

TEST(RefineToParabola, FindsTheTopBetweenPixels) {
  const auto y = torch::arange(20).to(torch::kFloat).unsqueeze(1),
             x = torch::arange(30).to(torch::kFloat).unsqueeze(0);
  const auto response = 5 - (x - 12.3).square() - 2 * (y - 8.6).square();
  const auto refined = RefineToParabola(torch::tensor({{12.0f, 9.0f}}), response);
  EXPECT_TRUE(TensorsNear(refined, torch::tensor({{12.3f, 8.6f}}), 1e-4));
}

TEST(RefineToParabola, LeavesPlacesAtTheBorderAndOnFlatResponses) {
  const auto xy = torch::tensor({{0.0f, 5.0f}, {29.0f, 19.0f}, {7.0f, 7.0f}});
  EXPECT_TRUE(torch::equal(RefineToParabola(xy, torch::zeros({20, 30})), xy));
  const auto moved = RefineToParabola(xy, torch::rand({20, 30}));
  EXPECT_TRUE(torch::equal(moved.narrow(0, 0, 2), xy.narrow(0, 0, 2)));
}

}  // namespace
}  // namespace colmatch
