// Removing weights: single ones by magnitude (Han 2015), 2 of every 4 for GPUs that skip them, and whole
// channels, so that a network really becomes narrower.
#pragma once

#include <torch/nn.h>

#include <string>
#include <vector>

#include "network/superglue.h"
#include "network/superpoint.h"

namespace colmatch {

// The weights that compression works on: convolutions and linear maps. Biases, norms and bin_score are few
// and stay as they are.
std::vector<std::string> CompressibleTensors(const torch::nn::Module& network);

// Masks are of the weight's shape and type, 1 where it stays. `sparsity` in [0, 1): share of the weights that
// go, the smallest.
torch::Tensor MagnitudeMask(const torch::Tensor& weight, double sparsity);

// Of every four input channels at one place the two smallest go (N:M sparsity, Mishra 2021); a rest of fewer
// than four stays.
torch::Tensor TwoOfFourMask(const torch::Tensor& weight);

// The network with the narrower widths, of each layer's output channels those with the largest Frobenius
// norm. A channel goes with everything that reads it: both heads read conv4b. batch_norm is folded first.
// Throws WeightsError where a width grows or descriptor_dim changes.
SuperPoint NarrowSuperPoint(SuperPoint& network, const SuperPointArchitecture& narrower);

// What stays of a SuperGlue; 0 or nothing: as it is.
struct NarrowerSuperGlue {
  int num_heads = 0;
  int attention_dim = 0;  // channels of all heads; 0: as many a head as before
  int mlp_hidden = 0;
  std::vector<int> layer_pairs;  // from 0, ascending
};

// The network with only these. Whole heads go first, those whose values and merge have the smallest product
// of norms; of the heads that stay query and key lose the same channels, value and merge, too; an MLP its
// hidden channels: those whose two sides have the smallest product of norms. batch_norm is folded first.
// Throws WeightsError where a size grows.
SuperGlue NarrowSuperGlue(SuperGlue& network, const NarrowerSuperGlue& narrower);

}  // namespace colmatch
