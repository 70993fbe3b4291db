// On what a training runs: the device, its arithmetic, the threads beside it.
#pragma once

#include <CLI/CLI.hpp>

#include "plugin/runtime/common_options.h"
#include "training/loop/train_loop.h"

namespace colmatch {

// --num_workers, of training and of compression.
void AddNumWorkers(CLI::App& app, int& num_workers);

// Sets device, precision and num_workers as --device, --precision and --num_workers ask. num_workers 0: one
// on the CPU, where the network itself uses the cores; beside a GPU one a core, up to 16. Throws UsageError
// for a precision that the device lacks.
void ChooseMachine(const CommonOptions& common, int num_workers, TrainLoopOptions& loop);

}  // namespace colmatch
