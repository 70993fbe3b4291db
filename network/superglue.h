// SuperGlue: two sets of features to a partial assignment, by a graph neural network and optimal transport.
// Sarlin, DeTone, Malisiewicz, Rabinovich: "SuperGlue: Learning Feature Matching with Graph Neural Networks",
// CVPR 2020. Parameter names and shapes are the official checkpoints', a file format: never renamed.
//
// B batch, N/M keypoints of image 0/1, D descriptor channels. The official tensors are (B, D, N); inside,
// tokens are rows (B, N, D), so that every 1x1 convolution is one matrix product over all keypoints.
#pragma once

#include <torch/nn.h>

#include <utility>
#include <vector>

#include "network/features.h"
#include "util/option_declaration.h"

namespace colmatch {

// Sizes. The defaults are the published network; others are our own models.
struct SuperGlueArchitecture {
  int descriptor_dim = 256;
  std::vector<int> keypoint_encoder = {32, 64, 128, 256};  // hidden widths between (x, y, score) and D
  int num_layer_pairs = 9;                                 // depth L: L self and L cross layers, alternating
  int num_heads = 4;                                       // interleaved: channel c belongs to head c mod 4
  // What structured pruning makes narrower; 0: as published, descriptor_dim and twice that.
  int attention_dim = 0;   // channels of query, key and value, all heads
  int mlp_hidden = 0;      // hidden channels of a layer's MLP
  bool batch_norm = true;  // false: folded into the layers before, see FoldBatchNorm
  // The keypoint encoder's hidden layers are the code of keypoint_code.h and are not trained.
  bool fixed_keypoint_code = false;
  // What the weights specify, unless SuperGlueOptions says otherwise.
  int sinkhorn_iterations = 100;  // of optimal transport
  int guidance_rounds =
      0;  // matches that guide the couplings once more, see matcher/guidance/local_guidance.h
  // Of the test before the layers, see matcher/prefilter.h; 0: none.
  int min_neighbors = 0;
  double neighbor_similarity = 0.8;

  int AttentionDim() const { return attention_dim > 0 ? attention_dim : descriptor_dim; }
  int MlpHidden() const { return mlp_hidden > 0 ? mlp_hidden : 2 * descriptor_dim; }

  void Validate() const;  // throws WeightsError naming the field
};

struct SuperGlueOptions {
  double match_threshold = 0.2;
  int sinkhorn_iterations = 0;
  int guidance_rounds = -1;  // see SuperGlueArchitecture

  static constexpr Declaration<double> kMatchThreshold{
      "--SuperGlue.match_threshold", "minimum confidence of a match", {0, 1, "", Ends::kOpenHigh}};
  static constexpr Declaration<int> kSinkhornIterations{
      "--SuperGlue.sinkhorn_iterations",
      "iterations of optimal transport; 0: as many as the weights specify (100 where they do not say)",
      {0, 10000}};
  static constexpr Declaration<int> kGuidanceRounds{
      "--SuperGlue.guidance_rounds",
      "rounds in which neighbouring matches predict where a keypoint's match lies, before optimal transport "
      "decides again; 0: none, -1: as many as the weights specify (none where they do not say)",
      {-1, 100}};
  void Validate() const;  // throws UsageError naming field, value and bound
};

// (B, N, 2) pixels to about [-0.7, 0.7]: centred, over 0.7 times the longer side, as published.
torch::Tensor NormalizeKeypoints(const torch::Tensor& keypoints, int width, int height);

// A 1x1 convolution over keypoints, stored as the official Conv1d (out, in, 1), applied to rows (B, N, in).
class PointwiseImpl : public torch::nn::Module {
 public:
  PointwiseImpl(int in, int out);
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor weight;  // (out, in, 1)
  torch::Tensor bias;    // (out)
};
TORCH_MODULE(Pointwise);

// Pointwise, batch norm, ReLU, ..., Pointwise: children "0", "1", "3", ... as in the official nn.Sequential;
// without batch norm "0", "3", ...
class MlpImpl : public torch::nn::Module {
 public:
  MlpImpl(const std::vector<int>& widths, bool batch_norm);
  torch::Tensor forward(torch::Tensor x);
  Pointwise& last() { return linears_.back(); }
  std::vector<Pointwise>& linears() { return linears_; }
  std::vector<torch::nn::BatchNorm1d>& norms() { return norms_; }  // none, or one a hidden layer

 private:
  std::vector<Pointwise> linears_;
  std::vector<torch::nn::BatchNorm1d> norms_;
};
TORCH_MODULE(Mlp);

class KeypointEncoderImpl : public torch::nn::Module {
 public:
  explicit KeypointEncoderImpl(const SuperGlueArchitecture& architecture);
  // normalized keypoints (B, N, 2), scores (B, N) -> (B, N, D)
  torch::Tensor forward(const torch::Tensor& keypoints, const torch::Tensor& scores);
  Mlp encoder{nullptr};
};
TORCH_MODULE(KeypointEncoder);

class MultiHeadedAttentionImpl : public torch::nn::Module {
 public:
  explicit MultiHeadedAttentionImpl(const SuperGlueArchitecture& architecture);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& source);
  Pointwise merge{nullptr};
  torch::nn::ModuleList proj;  // query, key, value

 private:
  int num_heads_;
};
TORCH_MODULE(MultiHeadedAttention);

// x (B, N, D), source (B, M, D) -> the residual (B, N, D) of equation 3.
class AttentionalPropagationImpl : public torch::nn::Module {
 public:
  explicit AttentionalPropagationImpl(const SuperGlueArchitecture& architecture);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& source);
  MultiHeadedAttention attn{nullptr};
  Mlp mlp{nullptr};
};
TORCH_MODULE(AttentionalPropagation);

class AttentionalGnnImpl : public torch::nn::Module {
 public:
  explicit AttentionalGnnImpl(const SuperGlueArchitecture& architecture);
  size_t num_layers() const { return layers->size(); }
  bool IsCross(size_t layer) const { return layer % 2 == 1; }
  // A self layer on one image, residual added.
  torch::Tensor SelfLayer(size_t index, const torch::Tensor& desc);
  // One layer on both images, residual added. desc0 (B, N, D), desc1 (B, M, D).
  void Layer(size_t index, torch::Tensor& desc0, torch::Tensor& desc1);
  torch::nn::ModuleList layers;
};
TORCH_MODULE(AttentionalGnn);

// One side of a batch of pairs with equal keypoint counts.
struct SuperGlueInput {
  torch::Tensor keypoints;    // (B, N, 2), normalised by NormalizeKeypoints
  torch::Tensor scores;       // (B, N)
  torch::Tensor descriptors;  // (B, D, N)
};

class SuperGlueImpl : public torch::nn::Module {
 public:
  explicit SuperGlueImpl(const SuperGlueArchitecture& architecture = {});

  // descriptors + keypoint encoding, as rows (B, N, D).
  torch::Tensor Encode(const SuperGlueInput& input);
  // (B, N, M) scores of the final projections, over sqrt(D) (equation 7).
  torch::Tensor CouplingScores(const torch::Tensor& desc0, const torch::Tensor& desc1);
  // Encode, all layers, CouplingScores. after_pair, if given, receives the scores after every layer pair but
  // the last (deep supervision).
  torch::Tensor forward(const SuperGlueInput& input0, const SuperGlueInput& input1,
                        std::vector<torch::Tensor>* after_pair = nullptr);

  // The first layer, which is self-attention, of Encode's (B, N, D); without layers the same.
  torch::Tensor FirstLayer(const torch::Tensor& encoded);
  // What one image decides alone, (B, N, D): FirstLayer of Encode.
  torch::Tensor Prepare(const SuperGlueInput& input);
  // The rest: coupling scores of two images that Prepare made. forward of what they were made from, but for
  // the last bits, which depend on how many rows a matrix product has.
  torch::Tensor ForwardPrepared(torch::Tensor prepared0, torch::Tensor prepared1);

  // A start from which training only has to improve on nearest neighbours: residuals 0, final projection a
  // scaled identity, so that the coupling scores are gain times the cosine of the descriptors.
  void InitializeAsNearestNeighbor(double gain);

  // A fixed keypoint code computes the same in training.
  void train(bool on = true) override;

  const SuperGlueArchitecture& architecture() const { return architecture_; }

  KeypointEncoder kenc{nullptr};
  AttentionalGnn gnn{nullptr};
  Pointwise final_proj{nullptr};
  torch::Tensor bin_score;  // scalar

 private:
  SuperGlueArchitecture architecture_;
};
TORCH_MODULE(SuperGlue);

// The same network for training to go on with more layer pairs or another keypoint encoder. New layers come
// last and add nothing yet (Net2Net, Chen 2016); a new encoder says nothing yet, so that positions are
// learned anew. What is new is random (torch's generator) but for its last map. Throws WeightsError for fewer
// pairs than there are or other widths of layers.
SuperGlue Extended(SuperGlue& network, const SuperGlueArchitecture& architecture);

// The same function in evaluation mode, without batch normalisation: each is an affine map of the layer
// before it.
SuperGlue FoldBatchNorm(SuperGlue& network);

// Iterations of optimal transport and rounds of guidance: those of the options, or what the weights specify.
int IterationsOf(const SuperGlue& network, const SuperGlueOptions& options);
int GuidanceRoundsOf(const SuperGlue& network, const SuperGlueOptions& options);

// SuperGlue's Encode of one image, (1, N, D), N at least 1. Features on the network's device.
torch::Tensor EncodeFeatures(SuperGlue& network, const Features& features);

}  // namespace colmatch
