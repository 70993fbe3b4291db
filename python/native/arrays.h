// What crosses the border between Python and C++: plain arrays, so that the bindings need no LibTorch.
#pragma once

#include <cstdint>
#include <vector>

namespace colmatch {

// Features of one image as Python has them: N keypoints, D descriptor channels, row-major.
struct FeatureArrays {
  int64_t num_keypoints = 0, descriptor_dim = 0;
  int width = 0, height = 0;       // of the image the keypoints are in, pixels
  int quarter_turns = 0;           // clockwise, from the photo as stored to what the network saw
  std::vector<float> keypoints;    // (N, 2) x, y; the first pixel's centre is (0, 0)
  std::vector<float> scores;       // (N)
  std::vector<float> descriptors;  // (N, D)
  std::vector<float> scales;       // (N) of the scale each was found at; empty: 1
};

struct MatchArrays {
  std::vector<int64_t> matches;  // (M, 2) indices
  std::vector<float> scores;     // (M)
};

// An image in Python's memory, row-major.
struct PixelArray {
  const void* data = nullptr;  // uint8, or float in [0, 1]
  bool is_float = false;
  int height = 0, width = 0, channels = 1;  // 1: grey, 3: RGB
};

}  // namespace colmatch
