// A first step towards a teacher's descriptors without training: the linear map that fits best.
#pragma once

#include <functional>

#include "network/superpoint.h"
#include "training/data/superpoint_data.h"

namespace colmatch {

// Turns the network's descriptors by the linear map that brings those of so many batches, at the taught
// points of both views, nearest to the batches' targets (least squares, a little ridge). The map is folded
// into the descriptor head's last layer, so that architecture and cost stay. The targets' size must be the
// network's descriptor_dim. Returns the mean cosine of descriptors and targets afterwards, on the same
// batches. Batches without taught points change nothing: 0.
double FitDescriptors(SuperPoint& network, int num_batches,
                      const std::function<SuperPointBatch(int64_t number)>& make_batch);

}  // namespace colmatch
