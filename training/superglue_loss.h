// The loss of SuperGlue.
#pragma once

#include <torch/types.h>

namespace colmatch {

// Negative log-likelihood of the labelled assignment (Sarlin 2020, equation 10), the mean over matched and
// the mean over unmatched keypoints weighing half each (glue-factory's balancing: else the many unmatched
// decide alone). log_assignment (B, N+1, M+1); matches0 (B, N), matches1 (B, M) int64 labels with kUnmatched
// and kIgnored.
torch::Tensor AssignmentLoss(const torch::Tensor& log_assignment, const torch::Tensor& matches0,
                             const torch::Tensor& matches1, double positive_weight = 0.5);

struct MatchCounts {
  double predicted = 0, correct = 0, possible = 0;  // possible: labelled matches

  double precision() const { return predicted > 0 ? correct / predicted : 0; }
  double recall() const { return possible > 0 ? correct / possible : 0; }
  MatchCounts& operator+=(const MatchCounts& other);
};

// Predicted against labelled matches, each (N) or (B, N) int64; predictions at ignored keypoints do not
// count.
MatchCounts CountMatches(const torch::Tensor& predicted0, const torch::Tensor& labelled0);

}  // namespace colmatch
