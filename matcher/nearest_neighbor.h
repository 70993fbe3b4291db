// The baselines: nearest neighbours of descriptors, with the mutual check and the ratio test.
#pragma once

#include <string>

#include "network/features.h"

namespace colmatch {

struct NearestNeighborOptions {
  bool mutual = true;
  double max_ratio = 1.0;      // Lowe's test on Euclidean distances, best over second best; 1: off
  double min_similarity = -1;  // least cosine of a match
};

// Cosine similarity is the confidence, mapped to [0, 1]. Without the mutual check several keypoints of image
// 0 may share one of image 1; matches1 then names the most similar. N0 or N1 may be 0.
FeatureMatches MatchNearestNeighbors(const Features& features0, const Features& features1,
                                     const NearestNeighborOptions& options);

// How many matches of the mutual check have a cosine of at least min_similarity; faster than to list them
// where they are few. Unit descriptors (D, N) and (D, M), N and M may be 0.
int64_t CountMutualNeighbors(const torch::Tensor& descriptors0, const torch::Tensor& descriptors1,
                             double min_similarity);

}  // namespace colmatch
