// On what a training runs; see training_machine.h.
#include "plugin/training_machine.h"

#include <algorithm>

#include "matcher/devices.h"

namespace colmatch {

void ChooseMachine(const CommonOptions& common, int num_workers, TrainLoopOptions& loop) {
  const torch::Device device = DeviceFromName(common.device);
  loop.device = device.str();
  loop.precision = TrainingPrecisionFromName(common.precision, device);
  const int cores = AvailableCores();
  loop.num_workers = num_workers > 0 ? num_workers : device.is_cuda() ? std::min(16, cores) : 1;
}

}  // namespace colmatch
