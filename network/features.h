// What the networks exchange, and the one place where its conventions are stated.
//
// Pixels: (x, y) of a pixel's centre are integers, the first pixel is (0, 0). Keypoints are in the pixels of
// the image they came from. Unmatched is -1; ignored in training labels is -2.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace colmatch {

inline constexpr int64_t kUnmatched = -1;
inline constexpr int64_t kIgnored = -2;

// The local features of one image. N keypoints, D descriptor channels; all float32 on one device.
struct Features {
  torch::Tensor keypoints;    // (N, 2) x, y in pixels
  torch::Tensor scores;       // (N) detection probability
  torch::Tensor descriptors;  // (D, N) unit columns, as the official tensors
  int width = 0;              // of the image the keypoints are in, pixels
  int height = 0;
  // (N) of the scale each was found at: the image's pixels per pixel that the network saw; undefined: 1.
  torch::Tensor scales = {};

  int64_t size() const { return keypoints.defined() ? keypoints.size(0) : 0; }
};

// A partial assignment between the N0 keypoints of image 0 and the N1 of image 1.
struct FeatureMatches {
  torch::Tensor matches0;          // (N0) int64, index into image 1 or kUnmatched
  torch::Tensor matches1;          // (N1) int64, index into image 0 or kUnmatched
  torch::Tensor matching_scores0;  // (N0) float32 confidence in [0, 1], 0 where unmatched
  torch::Tensor matching_scores1;  // (N1)
};

}  // namespace colmatch
