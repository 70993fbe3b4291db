// One of SuperGlue's layers with everything constant multiplied out, for the engines.
#pragma once

#include <torch/types.h>

#include <cstddef>

namespace colmatch {

class SuperGlueImpl;

// Float64 on the CPU; (out, in) weights and (out) biases. D channels of descriptors, A of attention, H
// hidden. Heads lie together instead of interleaved: channels h A / heads ... of head h.
struct FoldedLayer {
  torch::Tensor query_key_value, query_key_value_bias;  // (3 A, D)
  // The residual Mlp's first map, of the descriptor and, with `merge` multiplied in, the message beside it.
  torch::Tensor hidden, hidden_bias;      // (H, D + A)
  torch::Tensor residual, residual_bias;  // (D, H)
};

// query_scale multiplies the queries. Of a network without batch normalisation (FoldBatchNorm).
FoldedLayer FoldLayer(SuperGlueImpl& network, size_t index, double query_scale);

}  // namespace colmatch
