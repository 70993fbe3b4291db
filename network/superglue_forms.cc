// The same SuperGlue in other forms: deeper, with another keypoint encoder, without batch normalisation; see
// superglue.h.
#include <torch/torch.h>

#include <cmath>
#include <string>
#include <tuple>

#include "network/shared_parameters.h"
#include "network/superglue.h"
#include "util/error.h"

namespace colmatch {

SuperGlue Extended(SuperGlue& network, const SuperGlueArchitecture& architecture) {
  torch::NoGradGuard no_grad;
  const SuperGlueArchitecture& from = network->architecture();
  if (architecture.num_layer_pairs < from.num_layer_pairs) {
    throw WeightsError("SuperGlue: has " + std::to_string(from.num_layer_pairs) +
                       " layer pairs; training can only go on with as many or more, not " +
                       std::to_string(architecture.num_layer_pairs));
  }
  const auto widths = [](const SuperGlueArchitecture& a) {
    return std::make_tuple(a.descriptor_dim, a.num_heads, a.AttentionDim(), a.MlpHidden(), a.batch_norm);
  };
  if (widths(architecture) != widths(from))
    throw WeightsError("SuperGlue: training can only go on with layers of the same widths and heads");
  SuperGlue result(architecture);
  for (const auto& layer : *result->gnn->layers)
    layer->as<AttentionalPropagation>()->mlp->last()->weight.zero_();
  CopySharedParameters(*network->gnn, *result->gnn);
  CopySharedParameters(*network->final_proj, *result->final_proj);
  result->bin_score.copy_(network->bin_score);
  if (from.keypoint_encoder == architecture.keypoint_encoder &&
      from.fixed_keypoint_code == architecture.fixed_keypoint_code) {
    CopySharedParameters(*network->kenc, *result->kenc);
  } else {
    result->kenc->encoder->last()->weight.zero_();
  }
  result->train(network->is_training());
  return result;
}

SuperGlue FoldBatchNorm(SuperGlue& network) {
  torch::NoGradGuard no_grad;
  SuperGlueArchitecture architecture = network->architecture();
  architecture.batch_norm = false;
  SuperGlue result(architecture);
  CopySharedParameters(*network, *result);
  const auto fold = [](Mlp& from, Mlp& to) {
    for (size_t i = 0; i < from->norms().size(); ++i) {
      const auto& norm = from->norms()[i];
      Pointwise& layer = to->linears()[i];
      const auto scale = norm->weight / torch::sqrt(norm->running_var + norm->options.eps());
      layer->weight.mul_(scale.view({-1, 1, 1}));
      layer->bias.sub_(norm->running_mean).mul_(scale).add_(norm->bias);
    }
  };
  fold(network->kenc->encoder, result->kenc->encoder);
  for (size_t i = 0; i < network->gnn->num_layers(); ++i)
    fold(network->gnn->layers[i]->as<AttentionalPropagation>()->mlp,
         result->gnn->layers[i]->as<AttentionalPropagation>()->mlp);
  return result;
}

}  // namespace colmatch
