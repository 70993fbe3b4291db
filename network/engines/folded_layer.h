// One of SuperGlue's layers with all constants folded into its weights, for the engines.
#pragma once

#include <torch/types.h>

#include <cstddef>

namespace colmatch {

class SuperGlueImpl;

// Float64 on the CPU; weights are (out, in), biases are (out). D is the size of a descriptor, A that of
// attention, H that of the hidden layer. The channels of a head are contiguous, not interleaved: head h
// starts at channel h A / heads.
struct FoldedLayer {
  torch::Tensor query_key_value, query_key_value_bias;  // (3 A, D)
  // The first map of the residual Mlp, with `merge` folded in; its input is the descriptor and the message.
  torch::Tensor hidden, hidden_bias;      // (H, D + A)
  torch::Tensor residual, residual_bias;  // (D, H)
};

// query_scale multiplies the queries. The network must not have batch normalisation (FoldBatchNorm).
FoldedLayer FoldLayer(SuperGlueImpl& network, size_t index, double query_scale);

}  // namespace colmatch
