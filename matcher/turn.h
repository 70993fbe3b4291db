// Photos taken with the camera turned. SuperPoint and SuperGlue tolerate what they were trained on, about 45
// degrees; beyond that one photo of a pair is processed rotated by quarter turns. The keypoints stay: only
// their places and descriptors in the turned image are used for matching.
#pragma once

#include <array>

#include "network/features.h"

namespace colmatch {

// Descriptors (D, N) of an image's keypoints in the image turned clockwise by 1, 2 and 3 quarter turns.
using TurnedDescriptors = std::array<torch::Tensor, 3>;

// xy (N, 2) pixels of an image of width x height, in the image turned clockwise by so many quarter turns
// (any int).
torch::Tensor TurnPoints(const torch::Tensor& xy, int width, int height, int quarter_turns);

// The features as seen in the turned image; quarter_turns 0 to 3. Indices are those of `features`.
Features TurnFeatures(const Features& features, const TurnedDescriptors& turned, int quarter_turns);

struct TurnOptions {
  double min_similarity = 0.7;  // cosine of a mutual nearest neighbour that is a vote
  int min_votes = 30;           // fewer decide nothing
  double min_gain = 2;          // and a turn needs this many times the votes of the photo as it is
};

// By how many quarter turns image 1 is turned best, from the descriptors alone; 0: as it is.
int ChooseTurn(const Features& features0, const Features& features1, const TurnedDescriptors& turned1,
               const TurnOptions& options);

}  // namespace colmatch
