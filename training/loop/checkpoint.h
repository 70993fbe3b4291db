// The state of a training in one file: parameters, buffers, optimiser moments, step, metrics. Written
// atomically with a checksum (archive_file.h); the one before is kept until the new one is whole.
#pragma once

#include <torch/nn.h>
#include <torch/optim.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace colmatch {

struct TrainingState {
  int64_t step = 0;                                    // steps done
  std::map<std::string, std::vector<double>> metrics;  // what metrics.npz holds
  std::optional<std::string> initial_sha256;  // weights it went on from, "": none; checkpoints of old lack it
  double loss_scale = 1;                      // of mixed precision in float16
  int64_t good_steps = 0;                     // since the scale was changed
};

void SaveCheckpoint(const std::string& path, const torch::nn::Module& network,
                    const torch::optim::Optimizer& optimizer, const TrainingState& state);

// Throws EnvironmentError for a missing or damaged file.
TrainingState LoadCheckpoint(const std::string& path, torch::nn::Module& network,
                             torch::optim::Optimizer& optimizer);

}  // namespace colmatch
