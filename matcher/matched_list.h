// The matches of two images as a list.
#pragma once

#include <vector>

#include "network/features.h"

namespace colmatch {

// One match: keypoint indices and confidence in [0, 1].
struct MatchedPair {
  int index0 = 0, index1 = 0;
  float confidence = 0;
};

// Every keypoint of each image at most once, by rising index0: where several of image 0 chose the same of
// image 1 (a baseline without mutual check) the most confident stays.
std::vector<MatchedPair> ListMatches(const FeatureMatches& matches);

}  // namespace colmatch
