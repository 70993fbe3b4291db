// On what a training runs; see training_machine.h.
#include "plugin/experiments/training_machine.h"

#include <algorithm>
#include <cstdlib>

#include "matcher/devices.h"
#include "plugin/runtime/command.h"

namespace colmatch {

void AddNumWorkers(CLI::App& app, int& num_workers) {
  AddOption(app, "--num_workers", num_workers,
            "threads that prepare batches and features ahead; 0: one, with a GPU one per core",
            Bounds<int>{0, 256});
}

void ChooseMachine(const CommonOptions& common, int num_workers, TrainLoopOptions& loop) {
  const torch::Device device = DeviceFromName(common.device);
  loop.device = device.str();
  loop.precision = TrainingPrecisionFromName(common.precision, device);
  // With AMX the oneDNN of LibTorch 1.13 gives gradients in bf16 that are not finite. It reads this setting
  // before its first product; the user's own stays.
  if (loop.precision == Precision::kBf16 && device.is_cpu())
    setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16", /*overwrite=*/0);
  const int cores = AvailableCores();
  loop.num_workers = num_workers > 0 ? num_workers : device.is_cuda() ? std::min(16, cores) : 1;
}

}  // namespace colmatch
