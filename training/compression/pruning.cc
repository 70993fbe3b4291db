// Pruning; see pruning.h.
#include "training/compression/pruning.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "util/error.h"

namespace colmatch {
namespace {

// The `count` largest, in their order.
torch::Tensor Largest(const torch::Tensor& scores, int64_t count) {
  return std::get<0>(std::get<1>(scores.topk(count)).sort());
}

// Per index of dimension `dim`.
torch::Tensor Norms(const torch::Tensor& weight, int64_t dim) {
  return weight.transpose(0, dim).flatten(1).norm(2, 1);
}

void RequireNarrower(const std::string& what, int64_t found, int64_t wanted) {
  if (wanted < 1 || wanted > found)
    throw WeightsError("pruning: " + what + " must be in [1, " + std::to_string(found) + "], found " +
                       std::to_string(wanted));
}

// Parameters by name, to be filled.
class Writer {
 public:
  explicit Writer(torch::nn::Module& network) : parameters_(network.named_parameters()) {}
  void Set(const std::string& name, const torch::Tensor& value) { parameters_[name].copy_(value); }

 private:
  torch::OrderedDict<std::string, torch::Tensor> parameters_;
};

// Channel e of head h of so many, interleaved, at (e, h).
torch::Tensor ByHead(const torch::Tensor& channels, int64_t num_heads) {
  return channels.view({-1, num_heads});
}

// Of these heads' channels the `width` largest each, interleaved again.
torch::Tensor LargestOfHeads(const torch::Tensor& scores, int64_t num_heads, const torch::Tensor& heads,
                             int64_t width) {
  const auto places = ByHead(torch::arange(scores.size(0), torch::kLong), num_heads);
  const auto of_heads = ByHead(scores, num_heads);
  std::vector<torch::Tensor> kept;
  for (int64_t i = 0; i < heads.size(0); ++i) {
    const int64_t head = heads[i].item<int64_t>();
    kept.push_back(places.select(1, head).index_select(0, Largest(of_heads.select(1, head), width)));
  }
  return torch::stack(kept, 1).flatten();
}

}  // namespace

std::vector<std::string> CompressibleTensors(const torch::nn::Module& network) {
  std::vector<std::string> names;
  for (const auto& item : network.named_parameters()) {
    if (item.value().dim() >= 3 && item.value().requires_grad()) names.push_back(item.key());
  }
  return names;
}

torch::Tensor MagnitudeMask(const torch::Tensor& weight, double sparsity) {
  if (!(sparsity >= 0 && sparsity < 1))
    throw UsageError("sparsity must be in [0, 1), found " + std::to_string(sparsity));
  const auto count = static_cast<int64_t>(std::floor(sparsity * static_cast<double>(weight.numel())));
  auto mask = torch::ones({weight.numel()}, weight.options().requires_grad(false));
  const auto order = weight.detach().abs().flatten().argsort();
  mask.index_fill_(0, order.narrow(0, 0, count), 0);
  return mask.view(weight.sizes());
}

torch::Tensor TwoOfFourMask(const torch::Tensor& weight) {
  auto mask = torch::ones_like(weight, weight.options().requires_grad(false));
  const int64_t groups = weight.size(1) / 4;
  if (groups == 0) return mask;
  // (out, groups, 4, places)
  const auto values = weight.detach().abs().narrow(1, 0, 4 * groups).reshape({weight.size(0), groups, 4, -1});
  const auto smallest = std::get<1>(values.topk(2, 2, /*largest=*/false));
  const auto kept = torch::ones_like(values).scatter(2, smallest, 0);
  mask.narrow(1, 0, 4 * groups).copy_(kept.reshape(weight.narrow(1, 0, 4 * groups).sizes()));
  return mask;
}

SuperPoint NarrowSuperPoint(SuperPoint& network, const SuperPointArchitecture& narrower) {
  torch::NoGradGuard no_grad;
  SuperPoint from = FoldBatchNorm(network);
  SuperPointArchitecture architecture = narrower;
  architecture.batch_norm = false;
  architecture.sampling = network->architecture().sampling;
  architecture.scales = network->architecture().scales;
  architecture.refinement_radius = network->architecture().refinement_radius;
  architecture.refinement = network->architecture().refinement;
  architecture.pooled_descriptors = network->architecture().pooled_descriptors;
  architecture.place_radius = network->architecture().place_radius;
  architecture.descriptor_dim = network->architecture().descriptor_dim;
  SuperPoint result(architecture);
  const auto old = from->named_parameters();
  Writer writer(*result);
  const auto narrow = [&](const std::string& name, const torch::Tensor& inputs, int64_t width) {
    const torch::Tensor weight = old[name + ".weight"];
    RequireNarrower(name, weight.size(0), width);
    const auto kept = Largest(Norms(weight, 0), width);
    writer.Set(name + ".weight", weight.index_select(0, kept).index_select(1, inputs));
    writer.Set(name + ".bias", old[name + ".bias"].index_select(0, kept));
    return kept;
  };
  auto inputs = torch::zeros({1}, torch::kLong);
  for (size_t scale = 0; scale < architecture.encoder_widths.size(); ++scale) {
    for (const char* half : {"a", "b"})
      inputs = narrow("conv" + std::to_string(scale + 1) + half, inputs, architecture.encoder_widths[scale]);
  }
  for (const char* head : {"P", "D"}) {
    const std::string name = std::string("conv") + head;
    const auto hidden = narrow(name + "a", inputs, architecture.head_width);
    narrow(name + "b", hidden, old[name + "b.weight"].size(0));
  }
  result->train(network->is_training());
  return result;
}

SuperGlue NarrowSuperGlue(SuperGlue& network, const NarrowerSuperGlue& narrower) {
  torch::NoGradGuard no_grad;
  SuperGlue from = FoldBatchNorm(network);
  SuperGlueArchitecture architecture = from->architecture();
  const int old_heads = architecture.num_heads, old_width = architecture.AttentionDim() / old_heads;
  const int num_heads = narrower.num_heads > 0 ? narrower.num_heads : old_heads;
  const int attention_dim = narrower.attention_dim > 0 ? narrower.attention_dim : num_heads * old_width;
  const int mlp_hidden = narrower.mlp_hidden > 0 ? narrower.mlp_hidden : architecture.MlpHidden();
  std::vector<int> pairs = narrower.layer_pairs;
  for (int p = 0; narrower.layer_pairs.empty() && p < architecture.num_layer_pairs; ++p) pairs.push_back(p);
  RequireNarrower("num_heads", old_heads, num_heads);
  if (attention_dim % num_heads != 0)
    throw WeightsError("pruning: attention_dim must be a multiple of num_heads = " +
                       std::to_string(num_heads) + ", found " + std::to_string(attention_dim));
  RequireNarrower("attention_dim", num_heads * old_width, attention_dim);
  const int width = attention_dim / num_heads;
  RequireNarrower("mlp_hidden", architecture.MlpHidden(), mlp_hidden);
  for (const int pair : pairs) RequireNarrower("layer pair", architecture.num_layer_pairs, pair + 1);
  // As a file of these sizes would be read: 0 where they are the published ones.
  architecture.num_heads = num_heads;
  architecture.attention_dim = attention_dim == architecture.descriptor_dim ? 0 : attention_dim;
  architecture.mlp_hidden = mlp_hidden == 2 * architecture.descriptor_dim ? 0 : mlp_hidden;
  architecture.num_layer_pairs = static_cast<int>(pairs.size());
  SuperGlue result(architecture);
  const auto old = from->named_parameters();
  Writer writer(*result);
  for (const auto& item : old) {
    if (item.key().rfind("gnn.", 0) != 0) writer.Set(item.key(), item.value());
  }
  // Scores are divided by the root of a head's channels, of which there are fewer now.
  const double query_scale = std::sqrt(static_cast<double>(width) / old_width);
  for (size_t p = 0; p < pairs.size(); ++p) {
    for (int half = 0; half < 2; ++half) {
      const std::string source = "gnn.layers." + std::to_string(2 * pairs[p] + half) + ".";
      const std::string target = "gnn.layers." + std::to_string(2 * p + static_cast<size_t>(half)) + ".";
      const auto weight = [&](const char* layer) { return old[source + layer + ".weight"]; };
      const auto copy = [&](const std::string& layer, const torch::Tensor* outputs,
                            const torch::Tensor* inputs, double scale) {
        auto w = old[source + layer + ".weight"] * scale, b = old[source + layer + ".bias"] * scale;
        if (outputs != nullptr) w = w.index_select(0, *outputs), b = b.index_select(0, *outputs);
        if (inputs != nullptr) w = w.index_select(1, *inputs);
        writer.Set(target + layer + ".weight", w);
        writer.Set(target + layer + ".bias", b);
      };
      const auto carries = Norms(weight("attn.proj.2"), 0) * Norms(weight("attn.merge"), 1);
      const auto heads = Largest(ByHead(carries, old_heads).sum(0), num_heads);
      const auto scored = LargestOfHeads(Norms(weight("attn.proj.0"), 0) * Norms(weight("attn.proj.1"), 0),
                                         old_heads, heads, width);
      const auto carried = LargestOfHeads(carries, old_heads, heads, width);
      const auto hidden = Largest(Norms(weight("mlp.0"), 0) * Norms(weight("mlp.3"), 1), mlp_hidden);
      copy("attn.proj.0", &scored, nullptr, query_scale);
      copy("attn.proj.1", &scored, nullptr, 1);
      copy("attn.proj.2", &carried, nullptr, 1);
      copy("attn.merge", nullptr, &carried, 1);
      copy("mlp.0", &hidden, nullptr, 1);
      copy("mlp.3", nullptr, &hidden, 1);
    }
  }
  result->train(network->is_training());
  return result;
}

}  // namespace colmatch
