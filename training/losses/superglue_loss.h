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

// Cross-entropy of the taught assignment, whose rows and columns (but the dustbins') are distributions: the
// mean over the keypoints of both images. Both (B, N+1, M+1) logarithms.
torch::Tensor AssignmentDistillation(const torch::Tensor& log_assignment, const torch::Tensor& taught);

struct MatchCounts {
  double predicted = 0, correct = 0, possible = 0;  // possible: labelled matches

  double precision() const { return predicted > 0 ? correct / predicted : 0; }
  double recall() const { return possible > 0 ? correct / possible : 0; }
  MatchCounts& operator+=(const MatchCounts& other);
};

// How many labels the assignment's largest entry of each row and column agrees with: the accuracy of a
// classifier whose classes are the other image's keypoints and the dustbin.
struct LabelCounts {
  double labelled = 0, right = 0;         // all keypoints of both images but ignored ones
  double matched = 0, matched_right = 0;  // those of them that have a match

  double accuracy() const { return labelled > 0 ? right / labelled : 0; }
  double match_accuracy() const { return matched > 0 ? matched_right / matched : 0; }
  LabelCounts& operator+=(const LabelCounts& other);
};

// Shapes as for AssignmentLoss.
LabelCounts CountLabels(const torch::Tensor& log_assignment, const torch::Tensor& matches0,
                        const torch::Tensor& matches1);

// Predicted against labelled matches, each (N) or (B, N) int64; predictions at ignored keypoints do not
// count.
MatchCounts CountMatches(const torch::Tensor& predicted0, const torch::Tensor& labelled0);

}  // namespace colmatch
