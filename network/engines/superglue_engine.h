// SuperGlue for inference, whatever computes it: what one image decides alone, and the coupling scores of
// pairs. The model (network/superglue.h) knows none of these forms; MakeSuperGlueEngine chooses one.
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

// Images as rows padded to one number N: rows (B, N, D) float32, zeros where padded.
struct PaddedRows {
  torch::Tensor rows;
  std::vector<int64_t> counts;  // rows that are there, each at least 1

  bool IsPadded() const;
};

// Images (1, N, D) as one batch; counts of 0 are not allowed.
PaddedRows PadRows(const std::vector<torch::Tensor>& images);

// All functions compute without gradients. Forms on the CPU may be used by any number of threads at a time.
class SuperGlueEngine {
 public:
  // A network without batch normalisation (FoldBatchNorm), in evaluation mode, on the engine's device.
  explicit SuperGlueEngine(SuperGlue network) : network_(std::move(network)) {}
  virtual ~SuperGlueEngine() = default;

  // The keypoint encoding and the first layer, which is self-attention: made once for all pairs of the image.
  // (1, N, D) float32, N may be 0. Features on the engine's device.
  torch::Tensor Prepare(const Features& features) const;
  // Coupling scores (B, N, M) float32 of B pairs of prepared images; of what is padded, anything finite.
  // Forms on the CPU take pairs of equal counts (nothing padded).
  virtual torch::Tensor Couplings(const PaddedRows& images0, const PaddedRows& images1) const = 0;
  // Of one pair, (1, N, D) and (1, M, D), N and M at least 1.
  torch::Tensor CouplingsOfPair(const torch::Tensor& prepared0, const torch::Tensor& prepared1) const;

  // On the CPU: the couplings of one pair that can matter to optimal transport (candidates.h), those of at
  // least the dustbin's score less kCandidateMargin. Returns all couplings (1, N, M) where they were computed
  // anyway; else AllCouplings has them, of the pair that this thread selected last.
  virtual torch::Tensor SelectCandidates(const torch::Tensor& prepared0, const torch::Tensor& prepared1,
                                         Candidates& candidates) const;
  virtual torch::Tensor AllCouplings() const;

  const SuperGlue& network() const { return network_; }

 protected:
  // Descriptors with their keypoint encoding (B, N, D), N at least 1, after the first layer.
  virtual torch::Tensor FirstLayer(const torch::Tensor& encoded) const = 0;
  float BinScore() const { return network_->bin_score.item<float>(); }

 private:
  SuperGlue network_;
};

// LibTorch's operations in float32 as the model has them, on any device: the form that the others are
// compared with.
std::unique_ptr<SuperGlueEngine> MakePlainSuperGlue(SuperGlue network);

// The form for the device and the precision: packed weights on the CPU in bf16 and int8 (packed_superglue.h),
// batches on a GPU (batched_superglue.h; record_launches: see DeviceGraphs), else the plain one. The weights
// are those of the network as they are now.
std::unique_ptr<SuperGlueEngine> MakeSuperGlueEngine(SuperGlue network, Precision precision,
                                                     torch::Device device, bool record_launches = false);

}  // namespace colmatch
