// SuperGlue for many pairs at once with LibTorch's operations, in float32 or half precision: the engine of
// GPUs. Pairs of any sizes are padded to the largest; what is padded takes no part, exactly. What is constant
// in a layer is multiplied out (folded_layer.h), attention never writes its weights (attention.h), residuals
// are float32.
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>
#include <vector>

#include "network/engines/device_graph.h"
#include "network/engines/folded_layer.h"
#include "network/engines/transport.h"
#include "network/features.h"
#include "network/superglue.h"

namespace colmatch {

// Images as rows padded to one number N: rows (B, N, D) float32, zeros where padded.
struct PaddedRows {
  torch::Tensor rows;
  std::vector<int64_t> counts;  // rows that are there, each at least 1

  bool IsPadded() const;
};

// Better coupling scores (B, N, M) of pairs whose matches are known: pairs[i] is the caller's which[i]-th.
using RefineCouplings = std::function<torch::Tensor(const PaddedScores& pairs, const PaddedMatches& matches,
                                                    const std::vector<size_t>& which)>;

// MatchCouplings of each pair, all at once.
PaddedMatches MatchCouplings(SuperGlue& network, const PaddedScores& pairs, const SuperGlueOptions& options);

class SuperGlueBatchEngine {
 public:
  // The layers of a network without batch normalisation (FoldBatchNorm) as they are now, on its device.
  // type: of the linear maps and of attention: kFloat, kHalf, kBFloat16. record: the launches of Couplings,
  // see DeviceGraphs; its result then holds until the next one.
  SuperGlueBatchEngine(SuperGlue network, torch::ScalarType type, bool record = false);

  // Descriptors with their keypoint encoding (B, N, D) after the first layer, which is self-attention: what
  // SuperGlue's Prepare makes of Encode's.
  torch::Tensor FirstLayer(const torch::Tensor& encoded);
  // Coupling scores (B, N, M) float32 of pairs that FirstLayer made; of what is padded, anything finite.
  torch::Tensor Couplings(const PaddedRows& images0, const PaddedRows& images1);

  // PrepareFeatures and MatchPrepared of a SuperGlue, of many pairs: images0[i] with images1[i], (1, N, D)
  // each, N may be 0. The matches are on the CPU. refine, if given, is asked in each of the rounds of
  // guidance, after which the pairs are matched anew.
  torch::Tensor Prepare(const Features& features);
  std::vector<FeatureMatches> Match(const std::vector<torch::Tensor>& images0,
                                    const std::vector<torch::Tensor>& images1,
                                    const SuperGlueOptions& options, const RefineCouplings& refine = {});

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

  SuperGlue network_;
  torch::ScalarType type_;
  std::vector<FoldedLayer> layers_;
  torch::Tensor final_projection_, final_bias_;  // over the fourth root of D
  std::unique_ptr<DeviceGraphs> recorded_;       // if launches are
};

// Images (1, N, D) as one batch; counts of 0 are not allowed.
PaddedRows PadRows(const std::vector<torch::Tensor>& images);

}  // namespace colmatch
