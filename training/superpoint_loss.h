// The losses of SuperPoint.
#pragma once

#include "network/superpoint.h"
#include "training/superpoint_data.h"

namespace colmatch {

struct SuperPointLossOptions {
  double detector_weight = 1.0;
  double descriptor_weight = 1.0;
  double temperature = 0.05;      // of the descriptor softmax
  double ignore_radius_px = 4.0;  // other points this close to the true one are neither right nor wrong
  // Places 3.5 to 8 pixels beside each true one, which are wrong, too: so few of the points are that close to
  // another that descriptors would not learn to tell a peak from its neighbour, the commonest wrong match.
  int near_negatives = 4;
};

struct SuperPointLoss {
  torch::Tensor total;    // scalar, with gradient
  double detector = 0;    // mean cross-entropy over cells, 65 classes (DeTone 2018, equation 2)
  double descriptor = 0;  // mean of both directions of the dual-softmax cross-entropy
  double accuracy = 0;    // share of points whose nearest descriptor in the batch is the right one
  double near_accuracy =
      0;  // share of points whose descriptor is nearer to the true place than to those beside
};

// The descriptor loss is InfoNCE (van den Oord 2018) over all points of the batch, other photos' included as
// negatives: far more gradient per image than the hinge over cell pairs of the paper's equation 4.
SuperPointLoss ComputeSuperPointLoss(const SuperPointOutput& output, const SuperPointBatch& batch,
                                     const SuperPointLossOptions& options);

// Cross-entropy of the taught cells' scores plus `descriptor_weight` times one minus the cosine of the
// descriptors, means over cells.
torch::Tensor SuperPointDistillation(const SuperPointOutput& output, const SuperPointOutput& taught,
                                     double descriptor_weight);

}  // namespace colmatch
