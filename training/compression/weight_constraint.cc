// Constraints of compressed weights; see weight_constraint.h.
#include "training/compression/weight_constraint.h"

#include <torch/torch.h>

#include <cmath>

#include "training/compression/quantization.h"
#include "util/error.h"

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

// As the fixed code of positions is, of which a small part is used.
bool IsMostlyZero(const torch::Tensor& weight) {
  return weight.dim() > 1 && 4 * weight.count_nonzero().item<int64_t>() < weight.numel();
}

torch::Tensor Find(const torch::nn::Module& network, const std::string& name) {
  const auto parameters = network.named_parameters();
  const torch::Tensor* found = parameters.find(name);
  if (found == nullptr) throw UsageError("compression: the network has no weight '" + name + "'");
  return *found;
}

}  // namespace

void WeightConstraint::Mask(const std::string& name, const torch::Tensor& mask) { rules_[name].mask = mask; }

torch::Tensor WeightConstraint::Masked(const std::string& name, const torch::Tensor& weight) const {
  const auto rule = rules_.find(name);
  const bool masked = rule != rules_.end() && rule->second.mask.defined();
  return masked ? weight.detach() * rule->second.mask : weight.detach();
}

void WeightConstraint::Cluster(const std::string& name, const torch::Tensor& weight, int bits) {
  Rule& rule = rules_[name];
  rule.cluster = QuantizeByClusters(Masked(name, weight), bits);
  rule.codes = IndicesOf(rule.cluster.codes);
}

void WeightConstraint::ClusterTogether(const std::map<std::string, torch::Tensor>& weights, int bits) {
  if (weights.empty()) return;
  std::vector<torch::Tensor> scaled;
  for (const auto& [name, weight] : weights) {
    const auto values = Masked(name, weight).flatten();
    const double count = values.count_nonzero().item<double>();
    CodebookTensor& cluster = rules_[name].cluster;
    cluster.shape = weight.sizes().vec();
    cluster.scale = count > 0 ? static_cast<float>(values.norm().item<double>() / std::sqrt(count)) : 1.0f;
    scaled.push_back(values / cluster.scale);
  }
  const CodebookTensor shared = QuantizeByClusters(torch::cat(scaled), bits);
  auto next = shared.codes.begin();
  for (const auto& [name, weight] : weights) {
    Rule& rule = rules_[name];
    rule.cluster.codebook = shared.codebook;
    rule.cluster.codes.assign(next, next + weight.numel());
    rule.codes = IndicesOf(rule.cluster.codes);
    next += weight.numel();
  }
}

torch::Tensor WeightConstraint::SharedMeans(const torch::nn::Module& network) const {
  std::vector<torch::Tensor> values, codes;
  const CodebookTensor* book = nullptr;
  for (const auto& [name, rule] : rules_) {
    if (rule.cluster.scale == 0) continue;
    book = &rule.cluster;
    values.push_back(Find(network, name).detach().flatten() / rule.cluster.scale);
    codes.push_back(rule.codes.to(values.back().device()));
  }
  return book == nullptr ? torch::Tensor() : ClusterMeans(torch::cat(values), torch::cat(codes), *book);
}

void WeightConstraint::Integers(const std::string& name, int bits) { rules_[name].integer_bits = bits; }

void WeightConstraint::Apply(torch::nn::Module& network) const {
  torch::NoGradGuard no_grad;
  const auto shared = SharedMeans(network);
  for (const auto& [name, rule] : rules_) {
    auto weight = Find(network, name);
    if (rule.mask.defined()) weight.mul_(rule.mask.to(weight.device()));
    if (rule.codes.defined()) {
      const auto codes = rule.codes.to(weight.device());
      const auto means = rule.cluster.scale > 0 ? rule.cluster.scale * shared
                                                : ClusterMeans(weight.flatten(), codes, rule.cluster);
      weight.copy_(means.index_select(0, codes).view(weight.sizes()));
    }
    if (rule.integer_bits > 0) weight.copy_(ValuesOf(QuantizeLinearly(weight, rule.integer_bits)));
  }
}

CodedTensors WeightConstraint::Codes(const torch::nn::Module& network) const {
  torch::NoGradGuard no_grad;
  CodedTensors coded;
  for (const auto& item : network.named_parameters()) {
    if (rules_.count(item.key()) == 0 && IsMostlyZero(item.value())) coded.sparse.insert(item.key());
  }
  const auto shared = SharedMeans(network);
  for (const auto& [name, rule] : rules_) {
    const auto weight = Find(network, name).detach().cpu();
    if (rule.integer_bits > 0) {
      coded.linear[name] = QuantizeLinearly(weight, rule.integer_bits);
    } else if (rule.codes.defined()) {
      CodebookTensor tensor = rule.cluster;
      const auto means =
          (tensor.scale > 0 ? shared.cpu() : ClusterMeans(weight.flatten(), rule.codes, rule.cluster))
              .contiguous();
      tensor.codebook.assign(means.data_ptr<float>(), means.data_ptr<float>() + means.numel());
      coded.codebook[name] = std::move(tensor);
    } else {
      coded.sparse.insert(name);
    }
  }
  return coded;
}

}  // namespace colmatch
