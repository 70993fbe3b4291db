// The state of a training in one file: parameters, buffers, optimiser moments, step, metrics. Written atomically;
// the one before is kept until the new one is whole.
#pragma once

#include <torch/nn.h>
#include <torch/optim.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace colmatch {

struct TrainingState {
  int64_t step = 0;                                     // steps done
  std::map<std::string, std::vector<double>> metrics;   // what metrics.npz holds
};

void SaveCheckpoint(const std::string& path, const torch::nn::Module& network,
                    const torch::optim::Optimizer& optimizer, const TrainingState& state);

// Throws EnvironmentError for a missing or damaged file.
TrainingState LoadCheckpoint(const std::string& path, torch::nn::Module& network, torch::optim::Optimizer& optimizer);

}  // namespace colmatch
