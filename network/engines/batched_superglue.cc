// Many pairs at once; see batched_superglue.h.
#include "network/engines/batched_superglue.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "network/attention.h"

namespace colmatch {
namespace {

FoldedLayer To(FoldedLayer layer, const torch::TensorOptions& options) {
  for (torch::Tensor* t : {&layer.query_key_value, &layer.query_key_value_bias, &layer.hidden,
                           &layer.hidden_bias, &layer.residual, &layer.residual_bias}) {
    *t = t->to(options);
  }
  return layer;
}

// (B, N): whether the row is there.
torch::Tensor Presence(const PaddedRows& images) {
  const auto counts = torch::tensor(images.counts, torch::kLong)
                          .to(images.rows.device(), torch::kLong, /*non_blocking=*/true)
                          .unsqueeze(1);
  return torch::arange(images.rows.size(1), counts.options()).unsqueeze(0) < counts;
}

// Images of both sides one after the other; the first ones' rows padded or cut to as many as the second's.
PaddedRows Together(const PaddedRows& images0, const PaddedRows& images1) {
  const int64_t rows = std::max(images0.rows.size(1), images1.rows.size(1));
  const auto padded = [&](const torch::Tensor& x) {
    return torch::constant_pad_nd(x, {0, 0, 0, rows - x.size(1)});
  };
  PaddedRows all{torch::cat({padded(images0.rows), padded(images1.rows)}), images0.counts};
  all.counts.insert(all.counts.end(), images1.counts.begin(), images1.counts.end());
  return all;
}

}  // namespace

BatchedSuperGlue::BatchedSuperGlue(SuperGlue network, torch::ScalarType type, bool record)
    : SuperGlueEngine(network), type_(type) {
  torch::NoGradGuard no_grad;
  if (record) recorded_ = std::make_unique<DeviceGraphs>();
  const auto options = torch::TensorOptions().device(network->bin_score.device()).dtype(type);
  for (size_t i = 0; i < network->gnn->num_layers(); ++i)
    layers_.push_back(To(FoldLayer(*network, i, /*query_scale=*/1), options));
  const double scale = 1 / std::sqrt(std::sqrt(static_cast<double>(network->architecture().descriptor_dim)));
  final_projection_ = (scale * network->final_proj->weight.detach().squeeze(2)).to(options);
  final_bias_ = (scale * network->final_proj->bias.detach()).to(options);
}

BatchedSuperGlue::State BatchedSuperGlue::Load(const torch::Tensor& rows) const {
  const int64_t d = rows.size(2);
  State state;
  state.sums = rows.to(torch::kFloat, /*non_blocking=*/false, /*copy=*/true);
  state.input = torch::empty({rows.size(0), rows.size(1), d + network()->architecture().AttentionDim()},
                             rows.options().dtype(type_));
  state.input.narrow(2, 0, d).copy_(state.sums);
  return state;
}

void BatchedSuperGlue::Run(const FoldedLayer& layer, State& state, int64_t pairs,
                           const torch::Tensor& mask) const {
  const int64_t images = state.sums.size(0), n = state.sums.size(1), d = state.sums.size(2);
  const int64_t heads = network()->architecture().num_heads, a = network()->architecture().AttentionDim();
  const auto input = state.input.view({images * n, d + a});
  const auto descriptors = input.narrow(1, 0, d);
  const auto projected = torch::addmm(layer.query_key_value_bias, descriptors, layer.query_key_value.t())
                             .view({images, n, 3, heads, a / heads})
                             .permute({2, 0, 3, 1, 4});  // (3, images, heads, n, a / heads)
  const auto message = state.input.narrow(2, d, a).unflatten(2, {heads, a / heads}).transpose(1, 2);
  // So many images from `first` look at those from `source`.
  const auto attend = [&](int64_t first, int64_t source, int64_t count) {
    message.narrow(0, first, count)
        .copy_(Attention(projected[0].narrow(0, first, count), projected[1].narrow(0, source, count),
                         projected[2].narrow(0, source, count),
                         mask.defined() ? mask.narrow(0, source, count) : mask));
  };
  if (pairs == 0) {
    attend(0, 0, images);
  } else {
    attend(0, pairs, pairs);
    attend(pairs, 0, pairs);
  }
  const auto hidden = at::_addmm_activation(layer.hidden_bias, input, layer.hidden.t());  // with ReLU
  state.sums.view({images * n, d}).add_(torch::addmm(layer.residual_bias, hidden, layer.residual.t()));
  descriptors.copy_(state.sums.view({images * n, d}));
}

torch::Tensor BatchedSuperGlue::FirstLayer(const torch::Tensor& encoded) const {
  if (layers_.empty()) return encoded;
  torch::NoGradGuard no_grad;
  State state = Load(encoded);
  Run(layers_[0], state, 0, {});
  return state.sums;
}

torch::Tensor BatchedSuperGlue::CouplingsOf(const torch::Tensor& rows, const torch::Tensor& mask) const {
  const int64_t pairs = rows.size(0) / 2;
  State state = Load(rows);
  for (size_t i = 1; i < layers_.size(); ++i)
    Run(layers_[i], state, network()->gnn->IsCross(i) ? pairs : 0, mask);
  const int64_t d = state.sums.size(2);
  const auto projected =
      torch::addmm(final_bias_, state.input.view({-1, state.input.size(2)}).narrow(1, 0, d),
                   final_projection_.t())
          .view(state.sums.sizes())
          .to(torch::kFloat);  // products of halves would be rounded to halves
  return torch::bmm(projected.narrow(0, 0, pairs), projected.narrow(0, pairs, pairs).transpose(1, 2));
}

torch::Tensor BatchedSuperGlue::Couplings(const PaddedRows& images0, const PaddedRows& images1) const {
  torch::NoGradGuard no_grad;
  const PaddedRows all = Together(images0, images1);
  std::vector<torch::Tensor> inputs = {all.rows};
  if (all.IsPadded()) inputs.push_back(Presence(all).unsqueeze(1).unsqueeze(2));
  const auto compute = [this](const std::vector<torch::Tensor>& in) {
    return CouplingsOf(in[0], in.size() > 1 ? in[1] : torch::Tensor());
  };
  const auto scores = recorded_ ? recorded_->Run(inputs, compute) : compute(inputs);
  return scores.narrow(1, 0, images0.rows.size(1)).narrow(2, 0, images1.rows.size(1));
}

}  // namespace colmatch
