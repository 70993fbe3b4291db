// What compressed weights may be, kept through fine-tuning: pruned ones zero, clustered ones equal, integers
// integer. The training loop applies it before each step and lets the gradient move the weights behind it
// (straight-through estimation, Bengio 2013): quantization-aware training, codebook fine-tuning and masks in
// one.
#pragma once

#include <torch/nn.h>

#include <map>
#include <string>

#include "network/weights.h"

namespace colmatch {

class WeightConstraint {
 public:
  // mask: of the weight's shape, 1 where it stays. May be combined with either of the others.
  void Mask(const std::string& name, const torch::Tensor& mask);
  // Weights that are in one cluster now stay in one: each is the mean of its own. bits in [1, 8]. Masked
  // weights are a cluster of their own at zero.
  void Cluster(const std::string& name, const torch::Tensor& weight, int bits);
  // The same of many weights with one codebook, which each multiplies by a scale of its own that stays: the
  // root mean square of its weights that are not zero.
  void ClusterTogether(const std::map<std::string, torch::Tensor>& weights, int bits);
  // Integers of `bits` in [2, 8] times a scale a row that follows the weights.
  void Integers(const std::string& name, int bits);

  // Changes the network's weights to the nearest that are allowed. Parameters may lie on any device.
  void Apply(torch::nn::Module& network) const;
  // How to store a network that it was applied to; weights without a rule that are mostly zero are stored
  // sparse.
  CodedTensors Codes(const torch::nn::Module& network) const;

  bool IsEmpty() const { return rules_.empty(); }

 private:
  struct Rule {
    torch::Tensor mask;      // undefined: none
    CodebookTensor cluster;  // codes count; empty: none
    torch::Tensor codes;     // cluster.codes as indices
    int integer_bits = 0;    // 0: none
  };
  torch::Tensor Masked(const std::string& name, const torch::Tensor& weight) const;
  // The shared codebook, of the weights as they are.
  torch::Tensor SharedMeans(const torch::nn::Module& network) const;

  std::map<std::string, Rule> rules_;
};

}  // namespace colmatch
