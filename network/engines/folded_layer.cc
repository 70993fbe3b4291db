// Layers multiplied out; see folded_layer.h.
#include "network/engines/folded_layer.h"

#include <torch/torch.h>

#include <vector>

#include "network/superglue.h"

namespace colmatch {
namespace {

// Channel e * heads + h to h * width + e.
torch::Tensor HeadsTogether(int64_t attention_dim, int64_t heads) {
  return torch::arange(attention_dim, torch::kLong).view({-1, heads}).t().flatten();
}

torch::Tensor WeightOf(const PointwiseImpl& map) {
  return map.weight.detach().squeeze(2).to(torch::kCPU, torch::kDouble);
}
torch::Tensor BiasOf(const PointwiseImpl& map) { return map.bias.detach().to(torch::kCPU, torch::kDouble); }

}  // namespace

FoldedLayer FoldLayer(SuperGlueImpl& network, size_t index, double query_scale) {
  const SuperGlueArchitecture& sizes = network.architecture();
  TORCH_CHECK(!sizes.batch_norm, "FoldLayer: expected a network with its batch normalisation folded");
  torch::NoGradGuard no_grad;
  auto* layer = network.gnn->layers[index]->as<AttentionalPropagation>();
  const auto order = HeadsTogether(sizes.AttentionDim(), sizes.num_heads);
  std::vector<torch::Tensor> weights, biases;
  for (size_t i = 0; i < 3; ++i) {
    const PointwiseImpl& projection = *layer->attn->proj[i]->as<Pointwise>();
    const double factor = i == 0 ? query_scale : 1;
    weights.push_back(factor * WeightOf(projection).index_select(0, order));
    biases.push_back(factor * BiasOf(projection).index_select(0, order));
  }
  auto& linears = layer->mlp->linears();
  const int64_t d = sizes.descriptor_dim;
  const auto first = WeightOf(*linears[0]), of_message = first.narrow(1, d, d);
  const auto merged = of_message.mm(WeightOf(*layer->attn->merge)).index_select(1, order);
  FoldedLayer folded;
  folded.query_key_value = torch::cat(weights);
  folded.query_key_value_bias = torch::cat(biases);
  folded.hidden = torch::cat({first.narrow(1, 0, d), merged}, 1);
  folded.hidden_bias = BiasOf(*linears[0]) + of_message.mv(BiasOf(*layer->attn->merge));
  folded.residual = WeightOf(*linears[1]);
  folded.residual_bias = BiasOf(*linears[1]);
  return folded;
}

}  // namespace colmatch
