// The iterations of optimal transport for inference; transport.h is what they are for.
#pragma once

#include <torch/types.h>

namespace colmatch {

// Pairs to be solved together, dustbins last. Pairs of fewer keypoints are padded between the last one and
// the dustbin: couplings of -inf, marginals of 1, and a 1 in `absent`, which is added where there is nothing,
// so that the potentials there stay 0 and nothing else feels them.
struct TransportProblem {
  torch::Tensor couplings;         // (B, N+1, M+1)
  torch::Tensor log_mu, log_nu;    // (B or 1, N+1), (B or 1, M+1)
  torch::Tensor norm;              // (B or 1, 1): -log of the number of keypoints of both images
  torch::Tensor absent0, absent1;  // (B, N+1), (B, M+1): 1 where padded, else 0; undefined without padding
};

// The log assignment (B, N+1, M+1), multiplied by the number of keypoints.
torch::Tensor SolveTransportProblem(const TransportProblem& problem, int num_iterations);

}  // namespace colmatch
