// SuperGlue for many pairs at once with LibTorch's operations, in float32 or half precision: the engine for
// GPUs. Pairs of different sizes are padded to the largest; padding does not influence the results at all.
// Constants are folded into each layer (folded_layer.h). Attention never writes its weights (attention.h).
// Residuals are in float32.
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "network/engines/device_graph.h"
#include "network/engines/folded_layer.h"
#include "network/engines/superglue_engine.h"

namespace colmatch {

class BatchedSuperGlue : public SuperGlueEngine {
 public:
  // type: of the linear maps and of attention; kFloat, kHalf or kBFloat16. record: whether to record the
  // kernel launches of Couplings (see DeviceGraphs); the result of Couplings is then valid until the next
  // call. One thread at a time.
  BatchedSuperGlue(SuperGlue network, torch::ScalarType type, bool record = false);

  torch::Tensor Couplings(const PaddedRows& images0, const PaddedRows& images1) const override;

 protected:
  torch::Tensor FirstLayer(const torch::Tensor& encoded) const override;

 private:
  // The images of a batch between two layers. sums: (B, N, D) float32, the descriptors. input: (B, N, D + A)
  // in the engine's type, the same descriptors concatenated with the message.
  struct State {
    torch::Tensor sums, input;
  };

  State Load(const torch::Tensor& rows) const;
  // Couplings of images with the same number of rows. Image i of the first half is paired with image i of the
  // second half. mask: as for Run.
  torch::Tensor CouplingsOf(const torch::Tensor& rows, const torch::Tensor& mask) const;
  // One layer. pairs > 0: cross-attention between the first and the second half of the images; pairs = 0:
  // self-attention. mask: see Attention.
  void Run(const FoldedLayer& layer, State& state, int64_t pairs, const torch::Tensor& mask) const;

  torch::ScalarType type_;
  std::vector<FoldedLayer> layers_;
  torch::Tensor final_projection_, final_bias_;  // divided by the fourth root of D
  std::unique_ptr<DeviceGraphs> recorded_;       // null unless launches are recorded
};

}  // namespace colmatch
