// The corner measure: where it peaks, and where it vanishes.
#include "network/corner_response.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/network/tensor_near.h"

namespace colmatch {
namespace {

// White from (30, 30) to (65, 65) on black.
torch::Tensor WhiteSquare() {
  auto image = torch::zeros({1, 1, 96, 96});
  image.narrow(2, 30, 36).narrow(3, 30, 36).fill_(1);
  return image;
}

TEST(CornerResponse, TheSmallerEigenvaluePeaksAtCornersAndVanishesOnEdgesAndFlatPlaces) {
  const auto smaller = ComputeCornerResponse(WhiteSquare()).smaller;
  const double peak = smaller.max().item<double>();
  for (const int64_t y : {30, 65}) {
    for (const int64_t x : {30, 65}) {
      const auto around = smaller.narrow(0, y - 2, 5).narrow(1, x - 2, 5);
      EXPECT_GT(around.max().item<double>(), 0.99 * peak) << x << ", " << y;
    }
  }
  EXPECT_LT(smaller[30][48].item<double>(), 1e-4 * peak) << "on an edge";
  EXPECT_LT(smaller[48][48].item<double>(), 1e-4 * peak) << "inside";
}

TEST(CornerResponse, TheLargerEigenvalueSeesEdges) {
  const auto response = ComputeCornerResponse(WhiteSquare());
  EXPECT_GT(response.larger[30][48].item<double>(), 0.1);
  EXPECT_TRUE((response.larger >= response.smaller).all().item<bool>());
}

TEST(CornerResponse, TurnsWithTheImage) {
  const auto image = torch::rand({1, 1, 40, 56});
  const auto turned = ComputeCornerResponse(image.rot90(1, {2, 3})).smaller;
  EXPECT_TRUE(TensorsNear(turned, ComputeCornerResponse(image).smaller.rot90(1, {0, 1}), 1e-5));
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
