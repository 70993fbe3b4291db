// The losses of SuperPoint.
#pragma once

#include "network/superpoint.h"
#include "training/data/superpoint_data.h"

namespace colmatch {

struct SuperPointLossOptions {
  double detector_weight = 1.0;
  double descriptor_weight = 1.0;
  double temperature = 0.05;      // of the descriptor softmax
  double ignore_radius_px = 4.0;  // other points this close to the true one are neither right nor wrong
  // Places 3.5 to 8 pixels beside each true one, which are wrong, too: so few of the points are that close to
  // another that descriptors would not learn to tell a peak from its neighbour, the commonest wrong match.
  int near_negatives = 4;
  // Of the loss against a teacher's descriptors, where the batch has them (TargetLoss).
  double target_weight = 1.0;
};

struct TargetLoss {
  torch::Tensor total;  // scalar, with gradient
  double cosine = 0;    // mean of descriptor and target, both views
  double accuracy = 0;  // share of descriptors whose nearest target in the batch is their own
};

struct SuperPointLoss {
  torch::Tensor total;    // scalar, with gradient
  double detector = 0;    // mean cross-entropy over cells, 65 classes (DeTone 2018, equation 2)
  double descriptor = 0;  // mean of both directions of the dual-softmax cross-entropy
  double accuracy = 0;    // share of points whose nearest descriptor in the batch is the right one
  double near_accuracy =
      0;  // share of points whose descriptor is nearer to the true place than to those beside
  double target_cosine = 0, target_accuracy = 0;  // TargetLoss
};

// The descriptor loss is InfoNCE (van den Oord 2018) over all points of the batch, other photos' included as
// negatives: far more gradient per image than the hinge over cell pairs of the paper's equation 4.
SuperPointLoss ComputeSuperPointLoss(const SuperPointOutput& output, const SuperPointBatch& batch,
                                     const SuperPointLossOptions& options);

// Descriptors (2, N, D) of both views and the teacher's (N, D), all of unit length: kTargetCosineWeight times
// one minus the mean cosine, and the cross-entropy of each descriptor's similarities to all N targets against
// the teacher's own similarities among them, as softmax at `temperature`: what the teacher itself confuses is
// no error. N may be 0: no loss.
inline constexpr double kTargetCosineWeight = 4;
TargetLoss ComputeTargetLoss(const torch::Tensor& descriptors, const torch::Tensor& targets,
                             double temperature);

// Cross-entropy of the taught cells' scores plus `descriptor_weight` times one minus the cosine of the
// descriptors, means over cells.
torch::Tensor SuperPointDistillation(const SuperPointOutput& output, const SuperPointOutput& taught,
                                     double descriptor_weight);

}  // namespace colmatch
