// SuperGlue; see superglue.h.
#include "network/superglue.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "network/attention.h"
#include "network/keypoint_code.h"
#include "util/error.h"

namespace colmatch {
namespace {

// (B, N, D) with interleaved heads to (B, heads, N, D / heads).
torch::Tensor SplitHeads(const torch::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), x.size(2) / heads, heads}).permute({0, 3, 1, 2});
}

SuperGlueInput InputOf(const Features& features) {
  SuperGlueInput input;
  input.keypoints = NormalizeKeypoints(features.keypoints.unsqueeze(0), features.width, features.height);
  input.scores = features.scores.unsqueeze(0);
  input.descriptors = features.descriptors.unsqueeze(0);
  return input;
}

}  // namespace

void SuperGlueArchitecture::Validate() const {
  const auto fail = [](const std::string& what) { throw WeightsError("SuperGlue architecture: " + what); };
  if (descriptor_dim < 4 || descriptor_dim > 4096 || descriptor_dim % 4 != 0) {
    fail("descriptor_dim must be a multiple of 4 in [4, 4096], found " + std::to_string(descriptor_dim));
  }
  if (num_heads < 1 || num_heads > 64) {
    fail("num_heads must be in [1, 64], found " + std::to_string(num_heads));
  }
  if (num_layer_pairs < 0 || num_layer_pairs > 64) {
    fail("num_layer_pairs must be in [0, 64], found " + std::to_string(num_layer_pairs));
  }
  if (AttentionDim() < num_heads || AttentionDim() > 4096 || AttentionDim() % num_heads != 0) {
    fail("attention_dim must be a multiple of num_heads = " + std::to_string(num_heads) +
         ", up to 4096, found " + std::to_string(AttentionDim()));
  }
  if (MlpHidden() < 1 || MlpHidden() > 8192) {
    fail("mlp_hidden must be in [1, 8192], found " + std::to_string(MlpHidden()));
  }
  if (sinkhorn_iterations < 1 || sinkhorn_iterations > 10000) {
    fail("sinkhorn_iterations must be in [1, 10000], found " + std::to_string(sinkhorn_iterations));
  }
  if (guidance_rounds < 0 || guidance_rounds > 100)
    fail("guidance_rounds must be in [0, 100], found " + std::to_string(guidance_rounds));
  if (min_neighbors < 0 || min_neighbors > 1000000)
    fail("min_neighbors must be in [0, 1000000], found " + std::to_string(min_neighbors));
  if (!(neighbor_similarity >= -1 && neighbor_similarity <= 1))
    fail("neighbor_similarity must be in [-1, 1], found " + std::to_string(neighbor_similarity));
  if (keypoint_encoder.size() > 16) fail("keypoint_encoder has more than 16 widths");
  for (const int width : keypoint_encoder) {
    if (width < 1 || width > 4096)
      fail("keypoint_encoder width must be in [1, 4096], found " + std::to_string(width));
  }
  if (fixed_keypoint_code && !IsKeypointCode(keypoint_encoder))
    fail("a fixed keypoint code has other keypoint_encoder widths (513 and 65 for eight octaves)");
}

void SuperGlueOptions::Validate() const {
  kMatchThreshold.Require(match_threshold);
  kSinkhornIterations.Require(sinkhorn_iterations);
  kGuidanceRounds.Require(guidance_rounds);
}

torch::Tensor NormalizeKeypoints(const torch::Tensor& keypoints, int width, int height) {
  const auto center = torch::tensor({width / 2.0, height / 2.0}, keypoints.options());
  return (keypoints - center) / (0.7 * std::max(width, height));
}

PointwiseImpl::PointwiseImpl(int in, int out) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));  // Conv1d's default initialisation
  weight = register_parameter("weight", torch::empty({out, in, 1}).uniform_(-bound, bound));
  bias = register_parameter("bias", torch::empty({out}).uniform_(-bound, bound));
}

torch::Tensor PointwiseImpl::forward(const torch::Tensor& x) {
  return torch::linear(x, weight.squeeze(2), bias);
}

MlpImpl::MlpImpl(const std::vector<int>& widths, bool batch_norm) {
  for (size_t i = 1; i < widths.size(); ++i) {
    const size_t child = 3 * (i - 1);  // each hidden layer is three children: convolution, norm, ReLU
    linears_.push_back(register_module(std::to_string(child), Pointwise(widths[i - 1], widths[i])));
    if (batch_norm && i + 1 < widths.size()) {
      norms_.push_back(register_module(std::to_string(child + 1), torch::nn::BatchNorm1d(widths[i])));
    }
  }
  torch::NoGradGuard no_grad;
  linears_.back()->bias.zero_();
}

torch::Tensor MlpImpl::forward(torch::Tensor x) {
  const auto sizes = x.sizes().vec();
  x = x.flatten(0, 1);  // batch norm over the keypoints of the whole batch
  for (size_t i = 0; i + 1 < linears_.size(); ++i) {
    x = linears_[i]->forward(x);
    if (!norms_.empty()) x = norms_[i]->forward(x);
    torch::relu_(x);
  }
  return linears_.back()->forward(x).view({sizes[0], sizes[1], -1});
}

KeypointEncoderImpl::KeypointEncoderImpl(const SuperGlueArchitecture& architecture) {
  std::vector<int> widths = {3};
  widths.insert(widths.end(), architecture.keypoint_encoder.begin(), architecture.keypoint_encoder.end());
  widths.push_back(architecture.descriptor_dim);
  encoder = register_module("encoder", Mlp(widths, architecture.batch_norm));
}

torch::Tensor KeypointEncoderImpl::forward(const torch::Tensor& keypoints, const torch::Tensor& scores) {
  return encoder->forward(torch::cat({keypoints, scores.unsqueeze(2)}, 2));
}

MultiHeadedAttentionImpl::MultiHeadedAttentionImpl(const SuperGlueArchitecture& a) : num_heads_(a.num_heads) {
  const int dim = a.descriptor_dim, attention_dim = a.AttentionDim();
  merge = register_module("merge", Pointwise(attention_dim, dim));
  proj = register_module("proj", torch::nn::ModuleList());
  for (int i = 0; i < 3; ++i) proj->push_back(Pointwise(dim, attention_dim));
}

torch::Tensor MultiHeadedAttentionImpl::forward(const torch::Tensor& x, const torch::Tensor& source) {
  const auto query = SplitHeads(proj[0]->as<Pointwise>()->forward(x), num_heads_);
  const auto key = SplitHeads(proj[1]->as<Pointwise>()->forward(source), num_heads_);
  const auto value = SplitHeads(proj[2]->as<Pointwise>()->forward(source), num_heads_);
  const auto message = Attention(query, key, value).permute({0, 2, 3, 1}).flatten(2);
  return merge->forward(message);
}

AttentionalPropagationImpl::AttentionalPropagationImpl(const SuperGlueArchitecture& a) {
  const int dim = a.descriptor_dim;
  attn = register_module("attn", MultiHeadedAttention(a));
  mlp = register_module("mlp", Mlp(std::vector<int>{2 * dim, a.MlpHidden(), dim}, a.batch_norm));
}

torch::Tensor AttentionalPropagationImpl::forward(const torch::Tensor& x, const torch::Tensor& source) {
  return mlp->forward(torch::cat({x, attn->forward(x, source)}, 2));
}

AttentionalGnnImpl::AttentionalGnnImpl(const SuperGlueArchitecture& architecture) {
  layers = register_module("layers", torch::nn::ModuleList());
  for (int i = 0; i < 2 * architecture.num_layer_pairs; ++i)
    layers->push_back(AttentionalPropagation(architecture));
}

torch::Tensor AttentionalGnnImpl::SelfLayer(size_t index, const torch::Tensor& desc) {
  return desc + layers[index]->as<AttentionalPropagation>()->forward(desc, desc);
}

void AttentionalGnnImpl::Layer(size_t index, torch::Tensor& desc0, torch::Tensor& desc1) {
  auto* layer = layers[index]->as<AttentionalPropagation>();
  const bool cross = IsCross(index);
  if (desc0.sizes() == desc1.sizes()) {  // both images as one batch: half the number of matrix products
    const auto x = torch::cat({desc0, desc1});
    const auto updated = x + layer->forward(x, cross ? torch::cat({desc1, desc0}) : x);
    desc0 = updated.narrow(0, 0, desc0.size(0));
    desc1 = updated.narrow(0, desc0.size(0), desc1.size(0));
    return;
  }
  const auto delta0 = layer->forward(desc0, cross ? desc1 : desc0);
  const auto delta1 = layer->forward(desc1, cross ? desc0 : desc1);
  desc0 = desc0 + delta0;
  desc1 = desc1 + delta1;
}

SuperGlueImpl::SuperGlueImpl(const SuperGlueArchitecture& architecture) : architecture_(architecture) {
  architecture_.Validate();
  kenc = register_module("kenc", KeypointEncoder(architecture_));
  gnn = register_module("gnn", AttentionalGnn(architecture_));
  final_proj =
      register_module("final_proj", Pointwise(architecture_.descriptor_dim, architecture_.descriptor_dim));
  bin_score = register_parameter("bin_score", torch::tensor(1.0f));
  if (!architecture_.fixed_keypoint_code) return;
  auto& linears = kenc->encoder->linears();
  FillKeypointCode(linears[0]->weight, linears[0]->bias, linears[1]->weight, linears[1]->bias);
  for (size_t i = 0; i < 2; ++i) {
    for (auto& parameter : linears[i]->parameters()) parameter.set_requires_grad(false);
  }
  for (auto& norm : kenc->encoder->norms()) {
    for (auto& parameter : norm->parameters()) parameter.set_requires_grad(false);
  }
  train();
}

void SuperGlueImpl::train(bool on) {
  Module::train(on);
  if (!architecture_.fixed_keypoint_code) return;
  for (auto& norm : kenc->encoder->norms()) norm->eval();
}

torch::Tensor SuperGlueImpl::Encode(const SuperGlueInput& input) {
  TORCH_CHECK(input.keypoints.dim() == 3 && input.keypoints.size(2) == 2,
              "SuperGlue: keypoints must be (B, N, 2), got ", input.keypoints.sizes());
  TORCH_CHECK(input.scores.dim() == 2 && input.scores.size(1) == input.keypoints.size(1),
              "SuperGlue: scores must be (B, N), got ", input.scores.sizes());
  TORCH_CHECK(input.descriptors.dim() == 3 && input.descriptors.size(1) == architecture_.descriptor_dim &&
                  input.descriptors.size(2) == input.keypoints.size(1),
              "SuperGlue: descriptors must be (B, ", architecture_.descriptor_dim, ", N), got ",
              input.descriptors.sizes(), ": these weights do not belong to this SuperPoint");
  return input.descriptors.transpose(1, 2) + kenc->forward(input.keypoints, input.scores);
}

torch::Tensor SuperGlueImpl::CouplingScores(const torch::Tensor& desc0, const torch::Tensor& desc1) {
  const auto projected0 = final_proj->forward(desc0);
  const auto projected1 = final_proj->forward(desc1);
  const double scale = 1.0 / std::sqrt(static_cast<double>(architecture_.descriptor_dim));
  return torch::bmm(projected0, projected1.transpose(1, 2)) * scale;
}

torch::Tensor SuperGlueImpl::forward(const SuperGlueInput& input0, const SuperGlueInput& input1,
                                     std::vector<torch::Tensor>* after_pair) {
  auto desc0 = Encode(input0);
  auto desc1 = Encode(input1);
  for (size_t i = 0; i < gnn->num_layers(); ++i) {
    gnn->Layer(i, desc0, desc1);
    const bool inner_pair = gnn->IsCross(i) && i + 1 < gnn->num_layers();
    if (after_pair != nullptr && inner_pair) after_pair->push_back(CouplingScores(desc0, desc1));
  }
  return CouplingScores(desc0, desc1);
}

torch::Tensor SuperGlueImpl::FirstLayer(const torch::Tensor& encoded) {
  return gnn->num_layers() > 0 ? gnn->SelfLayer(0, encoded) : encoded;
}

torch::Tensor SuperGlueImpl::Prepare(const SuperGlueInput& input) { return FirstLayer(Encode(input)); }

torch::Tensor SuperGlueImpl::ForwardPrepared(torch::Tensor prepared0, torch::Tensor prepared1) {
  for (size_t i = 1; i < gnn->num_layers(); ++i) gnn->Layer(i, prepared0, prepared1);
  return CouplingScores(prepared0, prepared1);
}

void SuperGlueImpl::InitializeAsNearestNeighbor(double gain) {
  torch::NoGradGuard no_grad;
  kenc->encoder->last()->weight.zero_();
  for (const auto& layer : *gnn->layers) layer->as<AttentionalPropagation>()->mlp->last()->weight.zero_();
  const int64_t d = architecture_.descriptor_dim;
  const double diagonal = std::sqrt(gain * std::sqrt(static_cast<double>(d)));
  final_proj->weight.copy_((torch::eye(d) * diagonal).unsqueeze(2));
  final_proj->bias.zero_();
  bin_score.fill_(gain * 0.7);
}

int IterationsOf(const SuperGlue& network, const SuperGlueOptions& options) {
  return options.sinkhorn_iterations > 0 ? options.sinkhorn_iterations
                                         : network->architecture().sinkhorn_iterations;
}

int GuidanceRoundsOf(const SuperGlue& network, const SuperGlueOptions& options) {
  return options.guidance_rounds >= 0 ? options.guidance_rounds : network->architecture().guidance_rounds;
}

torch::Tensor EncodeFeatures(SuperGlue& network, const Features& features) {
  return network->Encode(InputOf(features));
}

}  // namespace colmatch
