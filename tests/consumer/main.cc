// Matches a picture with itself moved by a known step, with the installed libraries and weights.
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "matcher/frontend.h"
#include "network/weights.h"

namespace {

constexpr int kWidth = 240, kHeight = 180, kStepX = 24, kStepY = 10;

// Overlapping random discs, seen from (x0, y0).
std::vector<float> Picture(int x0, int y0) {
  std::vector<float> pixels(kWidth * kHeight, 0.5f);
  std::mt19937 random(7);
  const auto number = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  for (int disc = 0; disc < 160; ++disc) {
    const int x = number(kWidth + kStepX) - x0, y = number(kHeight + kStepY) - y0, radius = 4 + number(14);
    const float gray = static_cast<float>(number(256)) / 255;
    for (int row = 0; row < kHeight; ++row) {
      for (int column = 0; column < kWidth; ++column) {
        if (std::hypot(column - x, row - y) < radius) pixels[row * kWidth + column] = gray;
      }
    }
  }
  return pixels;
}

}  // namespace

int main() {
  using namespace colmatch;
  torch::set_num_threads(1);
  const std::string weights = std::string(WEIGHTS) + "/fast";
  FeatureExtractor extractor(LoadSuperPoint(weights + "/superpoint.safetensors"), {}, torch::kCPU);
  MatcherSetup setup;
  setup.superglue = LoadSuperGlue(weights + "/superglue.safetensors");
  const auto matcher = MakeMatcher(std::move(setup));
  const auto picture0 = Picture(0, 0), picture1 = Picture(kStepX, kStepY);
  const Features features0 = extractor.Extract(picture0.data(), kWidth, kHeight);
  const Features features1 = extractor.Extract(picture1.data(), kWidth, kHeight);
  int right = 0;
  const auto matches = ListMatches(matcher->Match(features0, features1));
  for (const MatchedPair& match : matches) {
    const float* from = features0.keypoints.data_ptr<float>() + 2 * match.index0;
    const float* to = features1.keypoints.data_ptr<float>() + 2 * match.index1;
    right += std::hypot(from[0] - to[0] - kStepX, from[1] - to[1] - kStepY) < 3;
  }
  const int all = static_cast<int>(matches.size());
  std::printf("%d of %d matches are right\n", right, all);
  return all >= 20 && right * 10 >= all * 8 ? 0 : 1;
}
