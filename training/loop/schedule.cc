// Learning-rate schedule; see schedule.h.
#include "training/loop/schedule.h"

#include <algorithm>
#include <cmath>

namespace colmatch {

double ScheduleOptions::At(int64_t step) const {
  if (step < warmup_steps)
    return learning_rate * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  const double span = static_cast<double>(std::max<int64_t>(1, num_steps - warmup_steps));
  const double progress = std::min(1.0, static_cast<double>(step - warmup_steps) / span);
  const double cosine = 0.5 * (1 + std::cos(3.14159265358979323846 * progress));
  return learning_rate * (final_share + (1 - final_share) * cosine);
}

}  // namespace colmatch
