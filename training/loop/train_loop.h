// The loop all trainings share: schedule, optimiser, NaN guard, checkpoints, metrics, exact resume.
#pragma once

#include <torch/nn.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "training/data/prefetch.h"
#include "training/loop/distributed.h"
#include "training/loop/schedule.h"
#include "training/losses/mixed_precision.h"

namespace colmatch {

struct TrainLoopOptions {
  std::string run_folder;  // checkpoints, metrics.npz, log.txt
  bool resume = false;     // go on from run_folder's checkpoint; without it a used folder is refused
  std::string
      initial_sha256;  // of the weights the network starts with; empty: none. A resume from others is refused
  ScheduleOptions schedule;
  double weight_decay = 1e-4;      // AdamW's, decoupled
  double clip_norm = 10.0;         // of the whole gradient
  int64_t log_every = 50;          // steps
  int64_t checkpoint_every = 500;  // steps
  int64_t validate_every = 1000;   // steps; 0: never
  // Batches of a step, whose gradients (and batch normalisation statistics) are averaged: a larger batch in
  // the same memory. Processes share them, so this is a multiple of their number; so many batches in one
  // process or in several give the same parameters within rounding.
  int64_t batches_per_step = 1;
  int64_t patience = 0;  // stop after so many validations without a lower loss, and keep the best; 0: never
  bool fixed_batch = false;  // every step takes the first batch: to measure what preparing data costs
  int num_workers = 1;       // threads that prepare batches ahead; the batches are the same
  Precision precision = Precision::kFloat32;
  std::string device = "cpu";
};

struct StepResult {
  torch::Tensor loss;                     // scalar with gradient
  std::map<std::string, double> metrics;  // logged under these names
  double flops = 0;                       // of the forward pass (network/flops.h); 0: not counted
};

struct TrainProgress {
  int64_t step = 0, num_steps = 0;
  double steps_per_second = 0;
  double flops_per_second = 0;  // forward and backward, of this process; both rates since the last report
  std::map<std::string, double> metrics;  // means since the last report
  bool validation = false;
};

// Metrics of a run so far: per name the values and, under NAME_step, the steps they belong to.
using MetricSeries = std::map<std::string, std::vector<double>>;

struct TrainHooks {
  // Loss of one batch, a pure function of its number and the parameters. Step s takes the batches
  // s * batches_per_step and following.
  std::function<StepResult(int64_t batch)> step;
  // Metrics on held-out data, "loss" among them; may be empty.
  std::function<std::map<std::string, double>()> validate;
  // Called every log_every steps and after each validation; may be empty.
  std::function<void(const TrainProgress&)> report;
  // Called with the steps done and all metrics of the run whenever a checkpoint is written, which the end and
  // a stop do too; may be empty.
  std::function<void(int64_t step, const MetricSeries&)> saved;
  // Changes the network's parameters to the nearest that are allowed (compression); may be empty. Batches and
  // validations see them so; gradients move those behind them, which checkpoints hold. Applied at the end.
  std::function<void()> constrain;
  // Set by a signal: the loop writes a checkpoint and returns.
  const std::atomic<bool>* stop = nullptr;
  // The processes that train together; only the first reports, validates and writes. Empty: this one alone.
  Replicas* replicas = nullptr;
};

// The batches this process takes.
BatchOrder OrderOfBatches(const TrainLoopOptions& options, const TrainHooks& hooks);

// Returns the number of steps done in all. A killed run that is resumed goes through the same parameters as
// an unbroken one. With patience the network is that of the best validation in the end. Throws UsageError for
// a used folder without resume, a resume with other initial weights, and batches_per_step that the processes
// cannot share; EnvironmentError for a run folder that cannot be made; Error for a loss or gradient that is
// not finite.
int64_t RunTraining(torch::nn::Module& network, const TrainLoopOptions& options, const TrainHooks& hooks);

}  // namespace colmatch
