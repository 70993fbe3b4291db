// SuperGlue for many pairs at once with LibTorch's operations, in float32 or half precision: the engine of
// GPUs. Pairs of any sizes are padded to the largest; what is padded takes no part, exactly. What is constant
// in a layer is multiplied out (folded_layer.h), attention never writes its weights (attention.h), residuals
// are float32.
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
  // type: of the linear maps and of attention: kFloat, kHalf, kBFloat16. record: the launches of Couplings,
  // see DeviceGraphs; its result then holds until the next one. One thread at a time.
  BatchedSuperGlue(SuperGlue network, torch::ScalarType type, bool record = false);

  torch::Tensor Couplings(const PaddedRows& images0, const PaddedRows& images1) const override;

 protected:
  torch::Tensor FirstLayer(const torch::Tensor& encoded) const override;

 private:
  // What all images of a layer share: sums (B, N, D) float32, the descriptors; input (B, N, D + A), the same
  // in the engine's type and the message beside it.
  struct State {
    torch::Tensor sums, input;
  };

  State Load(const torch::Tensor& rows) const;
  // Of images of as many rows, the first half with the second; mask as for Run.
  torch::Tensor CouplingsOf(const torch::Tensor& rows, const torch::Tensor& mask) const;
  // One layer. pairs: where the first half of the images looks at the second and the other way round; 0:
  // each at itself. mask: see Attention.
  void Run(const FoldedLayer& layer, State& state, int64_t pairs, const torch::Tensor& mask) const;

  torch::ScalarType type_;
  std::vector<FoldedLayer> layers_;
  torch::Tensor final_projection_, final_bias_;  // over the fourth root of D
  std::unique_ptr<DeviceGraphs> recorded_;       // if launches are
};

}  // namespace colmatch
