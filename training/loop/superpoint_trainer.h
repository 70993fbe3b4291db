// Training SuperPoint on warped photos: detector and descriptor jointly.
#pragma once

#include <string>
#include <vector>

#include "network/weights.h"
#include "training/compression/weight_constraint.h"
#include "training/data/split.h"
#include "training/data/superpoint_data.h"
#include "training/loop/train_loop.h"
#include "training/losses/superpoint_loss.h"

namespace colmatch {

struct SuperPointTrainingOptions {
  SuperPointArchitecture architecture{
      {8, 32, 64, 128}, 128, 128, true, DescriptorSampling::kCellCentres, {1}, kOwnRefinementRadius};
  SuperPointDataOptions data;
  SuperPointLossOptions loss;
  TrainLoopOptions loop;
  double curriculum_share = 0.3;               // of the steps over which difficulty rises from half to full
  double validation_share = kValidationShare;  // of the photos, never trained on; split.h says which
  int validation_batches = 8;
  // A network whose scores and descriptors are followed beside the labels (Hinton 2015): what it feeds needs
  // no change. Of the same descriptor_dim; empty: none.
  SuperPoint teacher{nullptr};
  double teacher_weight = 0.5;
  WeightConstraint constraint;    // kept through the training; needs architecture.batch_norm off
  bool images_on_device = false;  // warps and augmentation where the network is; for GPUs
};

// Trains on the photos, goes on from a checkpoint when told to, and returns the network without batch norm.
// initial: weights to go on from (fine-tuning, also to wider layers), or an empty holder for a fresh start.
// Throws WeightsError where initial does not fit into options.architecture.
SuperPoint TrainSuperPoint(const std::vector<ShardPhoto>& photos, const SuperPointTrainingOptions& options,
                           SuperPoint initial, const TrainHooks& hooks);

// MagicPoint: the detector alone, on synthetic shapes (DeTone 2018, section 4); no photo is needed. The
// descriptor head stays as it starts.
SuperPoint TrainMagicPoint(const SuperPointTrainingOptions& options, SuperPoint initial,
                           const TrainHooks& hooks);

}  // namespace colmatch
