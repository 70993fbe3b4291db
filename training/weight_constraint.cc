// Constraints of compressed weights; see weight_constraint.h.
#include "training/weight_constraint.h"

#include <torch/torch.h>

#include "network/error.h"
#include "training/quantization.h"

namespace colmatch {
namespace {

// The mean of each cluster; zero for the cluster of zero, and for an empty one.
torch::Tensor ClusterMeans(const torch::Tensor& values, const torch::Tensor& codes,
                           const CodebookTensor& book) {
  const auto k = static_cast<int64_t>(book.codebook.size());
  auto sums = torch::zeros({k}, values.options()), counts = torch::zeros({k}, values.options());
  sums.index_add_(0, codes, values);
  counts.index_add_(0, codes, torch::ones_like(values));
  auto means = sums / counts.clamp_min(1);
  for (int64_t j = 0; j < k; ++j) {
    if (book.codebook[static_cast<size_t>(j)] == 0) means[j] = 0;
  }
  return means;
}

torch::Tensor Find(const torch::nn::Module& network, const std::string& name) {
  const auto parameters = network.named_parameters();
  const torch::Tensor* found = parameters.find(name);
  if (found == nullptr) throw UsageError("compression: the network has no weight '" + name + "'");
  return *found;
}

}  // namespace

void WeightConstraint::Mask(const std::string& name, const torch::Tensor& mask) { rules_[name].mask = mask; }

void WeightConstraint::Cluster(const std::string& name, const torch::Tensor& weight, int bits) {
  Rule& rule = rules_[name];
  const auto values = rule.mask.defined() ? weight.detach() * rule.mask : weight.detach();
  rule.cluster = QuantizeByClusters(values, bits);
  rule.codes = torch::tensor(std::vector<int64_t>(rule.cluster.codes.begin(), rule.cluster.codes.end()));
}

void WeightConstraint::Integers(const std::string& name, int bits) { rules_[name].integer_bits = bits; }

void WeightConstraint::Apply(torch::nn::Module& network) const {
  torch::NoGradGuard no_grad;
  for (const auto& [name, rule] : rules_) {
    auto weight = Find(network, name);
    if (rule.mask.defined()) weight.mul_(rule.mask.to(weight.device()));
    if (rule.codes.defined()) {
      const auto codes = rule.codes.to(weight.device());
      const auto means = ClusterMeans(weight.flatten(), codes, rule.cluster);
      weight.copy_(means.index_select(0, codes).view(weight.sizes()));
    }
    if (rule.integer_bits > 0) weight.copy_(ValuesOf(QuantizeLinearly(weight, rule.integer_bits)));
  }
}

CodedTensors WeightConstraint::Codes(const torch::nn::Module& network) const {
  torch::NoGradGuard no_grad;
  CodedTensors coded;
  for (const auto& [name, rule] : rules_) {
    const auto weight = Find(network, name).detach().cpu();
    if (rule.integer_bits > 0) {
      coded.linear[name] = QuantizeLinearly(weight, rule.integer_bits);
    } else if (rule.codes.defined()) {
      CodebookTensor tensor = rule.cluster;
      const auto means = ClusterMeans(weight.flatten(), rule.codes, rule.cluster).contiguous();
      tensor.codebook.assign(means.data_ptr<float>(), means.data_ptr<float>() + means.numel());
      coded.codebook[name] = std::move(tensor);
    } else {
      coded.sparse.insert(name);
    }
  }
  return coded;
}

}  // namespace colmatch
