// Mixed precision: the network computes in half the bits where that is safe, parameters stay float32
// (Micikevicius 2018).
#pragma once

#include <torch/types.h>

#include "network/precision.h"

namespace colmatch {

// While it lives, LibTorch's autocast is on for the device, unless the precision is float32.
class AutocastGuard {
 public:
  AutocastGuard(Precision precision, const torch::Device& device);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  bool on_, cuda_;
};

// While it lives, LibTorch's autocast is off for the device: for sums that need float32.
class AutocastPause {
 public:
  explicit AutocastPause(const torch::Device& device);
  ~AutocastPause();
  AutocastPause(const AutocastPause&) = delete;
  AutocastPause& operator=(const AutocastPause&) = delete;

 private:
  bool cuda_, was_on_;
};

// Small gradients vanish in float16, so the loss is multiplied before the backward pass and the gradients
// divided after it. Where they overflow the step is left out and the scale halved; after 2,000 good steps it
// doubles. For other precisions the scale is 1 and stays.
class LossScaler {
 public:
  explicit LossScaler(Precision precision, double scale = 65536) : active_(precision == Precision::kFp16) {
    if (active_) scale_ = scale;
  }
  bool is_active() const { return active_; }
  double scale() const { return scale_; }

  // After a step: were its gradients finite? Returns whether the step is to be taken.
  bool Update(bool finite);

  // For the checkpoint.
  int good_steps() const { return good_steps_; }
  void Restore(double scale, int good_steps);

 private:
  static constexpr int kGrowthInterval = 2000;
  bool active_;
  double scale_ = 1;
  int good_steps_ = 0;
};

}  // namespace colmatch
