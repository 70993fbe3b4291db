// What the networks compute on, by the names that --device takes.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

namespace colmatch {

int NumGpus();  // that LibTorch sees

// auto (every GPU, where there is none the CPU), cpu, cuda (every GPU), cuda:1, cuda:0,2 (those, in this
// order; one that is named again counts once). Never empty; the GPUs have their numbers. Throws UsageError
// for anything else, and EnvironmentError for a GPU that is not among num_gpus.
std::vector<torch::Device> DevicesFromName(const std::string& name, int num_gpus = NumGpus());

// The same for what computes on one device: the first of auto and cuda. Throws UsageError, too, where several
// are named.
torch::Device DeviceFromName(const std::string& name, int num_gpus = NumGpus());

// COLMAP's gpu_index as such a name: -1 is cuda, 0,1 is cuda:0,1. Throws UsageError for anything else.
std::string DeviceNameFromGpuIndex(const std::string& gpu_index);

}  // namespace colmatch
