// Training SuperPoint on warped photos: detector and descriptor jointly.
#pragma once

#include <string>
#include <vector>

#include "network/weights.h"
#include "training/split.h"
#include "training/superpoint_data.h"
#include "training/superpoint_loss.h"
#include "training/train_loop.h"

namespace colmatch {

struct SuperPointTrainingOptions {
  SuperPointArchitecture architecture{{8, 32, 64, 128}, 128, 128, true, DescriptorSampling::kCellCentres};
  SuperPointDataOptions data;
  SuperPointLossOptions loss;
  TrainLoopOptions loop;
  std::string device = "cpu";
  double curriculum_share = 0.3;               // of the steps over which difficulty rises from half to full
  double validation_share = kValidationShare;  // of the photos, never trained on; split.h says which
  int validation_batches = 8;
};

// Trains on the photos, goes on from a checkpoint when told to, and returns the network without batch norm.
SuperPoint TrainSuperPoint(const std::vector<ShardPhoto>& photos, const SuperPointTrainingOptions& options,
                           const TrainHooks& hooks);

}  // namespace colmatch
