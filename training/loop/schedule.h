// Learning rate as a pure function of the step.
#pragma once

#include <cstdint>

namespace colmatch {

struct ScheduleOptions {
  double learning_rate = 1e-3;  // at its highest
  double final_share = 0.01;    // of learning_rate, at the last step
  int64_t warmup_steps = 200;   // linear from 0
  int64_t num_steps = 10000;    // cosine decay until here

  // The learning rate of step 0 .. num_steps-1.
  double At(int64_t step) const;
};

}  // namespace colmatch
