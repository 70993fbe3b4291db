// Training SuperGlue on cached features of warped photos.
#pragma once

#include "network/superglue.h"
#include "training/compression/weight_constraint.h"
#include "training/data/feature_set.h"
#include "training/data/ground_truth.h"
#include "training/data/split.h"
#include "training/loop/train_loop.h"
#include "training/losses/superglue_loss.h"

namespace colmatch {

struct SuperGlueTrainingOptions {
  SuperGlueArchitecture architecture{128, {32, 64, 128}, 3};
  TrainLoopOptions loop;
  GroundTruthOptions ground_truth;
  int batch_size = 8;       // pairs
  int min_keypoints = 256;  // each step draws how many of the strongest keypoints it uses
  int max_keypoints = 512;
  double negative_share = 0.15;  // of a step's pairs, of two photos: nothing matches. 0: every pair matches
  // So that the cached views do not become memorised, each view's keypoints move by a random affine map
  // of their own, and not all of them are used; 1: rotation to 11 degrees, scales to 1.22, shear and shift to
  // a tenth, 30 % of the keypoints left out. 0: off.
  double augmentation = 0.5;
  // So that photos are not memorised by their descriptors: each batch turns the descriptors' space by a
  // random rotation of up to so many radians a plane, and adds to each unit vector a random one of up to this
  // length. 0: off.
  double descriptor_rotation = 0, descriptor_noise = 0;
  int sinkhorn_iterations = 15;                // in training, scaling form
  double deep_supervision = 0.3;               // weight of the mean loss after the inner layer pairs; 0: off
  double initial_gain = 20;                    // coupling score of two equal descriptors at the start
  double validation_share = kValidationShare;  // of the photos, never trained on; split.h says which
  int validation_pairs = 64;
  // After training the dustbin's score is raised as far as recall on the validation pairs stays this many
  // times that of mutual nearest neighbours: the operating point of most precision that still finds more. 0:
  // not done.
  double calibration_recall = 0;
  // A network whose assignments are followed beside the labels (Hinton 2015), on the same features; empty:
  // none.
  SuperGlue teacher{nullptr};
  double teacher_weight = 0.5;
  WeightConstraint constraint;  // kept through the training; batch norm should be folded
  uint64_t seed = 0;
};

// Throws InputError for features of one photo or one view, UsageError for keypoint counts that contradict
// each other. initial: weights to go on from (fine-tuning, also with more layer pairs), or an empty holder
// for a fresh start.
SuperGlue TrainSuperGlue(const FeatureSet& features, const SuperGlueTrainingOptions& options,
                         SuperGlue initial, const TrainHooks& hooks);

// What a network is worth on pairs of some photos: each of `photos` (indices of the set's photos) with all of
// max_keypoints keypoints, validation_pairs pairs in all.
struct MatchingQuality {
  double loss = 0;
  MatchCounts matches, nearest;  // SuperGlue's, and mutual nearest neighbours' on the same features
  LabelCounts labels;
};
MatchingQuality MeasureMatching(SuperGlue& network, const FeatureSet& features,
                                const SuperGlueTrainingOptions& options, const std::vector<int64_t>& photos);

}  // namespace colmatch
