// The interface of the engines that compute SuperGlue at inference: the part that depends on one image only,
// and the coupling scores of pairs. The model (network/superglue.h) does not depend on the engines;
// MakeSuperGlueEngine chooses one.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "network/features.h"
#include "network/kernels/candidates.h"
#include "network/precision.h"
#include "network/superglue.h"

namespace colmatch {

// Images as rows padded to a common number N: rows (B, N, D) float32, with zeros as padding.
struct PaddedRows {
  torch::Tensor rows;
  std::vector<int64_t> counts;  // rows of each image without padding, at least 1

  bool IsPadded() const;
};

// Combines images (1, N, D) into one batch; N must not be 0.
PaddedRows PadRows(const std::vector<torch::Tensor>& images);

// No function computes gradients. Engines on the CPU can be used by several threads at a time.
class SuperGlueEngine {
 public:
  // The network must be without batch normalisation (FoldBatchNorm), in evaluation mode, on the engine's
  // device.
  explicit SuperGlueEngine(SuperGlue network) : network_(std::move(network)) {}
  virtual ~SuperGlueEngine() = default;

  // The keypoint encoding and the first layer, which is self-attention: computed once per image, for all its
  // pairs. (1, N, D) float32; N may be 0. Features must be on the engine's device.
  torch::Tensor Prepare(const Features& features) const;
  // Coupling scores (B, N, M) float32 of B pairs of prepared images; for padding any finite values. Engines
  // on the CPU require pairs with equal numbers of keypoints (no padding).
  virtual torch::Tensor Couplings(const PaddedRows& images0, const PaddedRows& images1) const = 0;
  // Coupling scores of one pair, (1, N, D) and (1, M, D), N and M at least 1.
  torch::Tensor CouplingsOfPair(const torch::Tensor& prepared0, const torch::Tensor& prepared1) const;

  // On the CPU: lists the couplings of one pair that can influence optimal transport (candidates.h), which
  // are those of at least the dustbin score minus kCandidateMargin. Returns all couplings (1, N, M) if the
  // engine computes them anyway. Otherwise AllCouplings returns them, for the pair of this thread's last
  // call.
  virtual torch::Tensor SelectCandidates(const torch::Tensor& prepared0, const torch::Tensor& prepared1,
                                         Candidates& candidates) const;
  virtual torch::Tensor AllCouplings() const;

  const SuperGlue& network() const { return network_; }

 protected:
  // The first layer, applied to descriptors with their keypoint encoding (B, N, D), N at least 1.
  virtual torch::Tensor FirstLayer(const torch::Tensor& encoded) const = 0;
  float BinScore() const { return network_->bin_score.item<float>(); }

 private:
  SuperGlue network_;
};

// The plain engine: LibTorch's operations in float32 as in the model, on any device. The reference for the
// other engines.
std::unique_ptr<SuperGlueEngine> MakePlainSuperGlue(SuperGlue network);

// The engine for the device and the precision: packed weights on the CPU in bf16 and int8
// (packed_superglue.h), batches on a GPU (batched_superglue.h; record_launches: see DeviceGraphs), otherwise
// the plain engine. It uses the network's weights at the time of the call.
std::unique_ptr<SuperGlueEngine> MakeSuperGlueEngine(SuperGlue network, Precision precision,
                                                     torch::Device device, bool record_launches = false);

}  // namespace colmatch
