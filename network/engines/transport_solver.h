// The iterations of optimal transport at inference; used by transport.h.
#pragma once

#include <torch/types.h>

namespace colmatch {

// A batch of pairs to be solved together, with dustbins last. Pairs with fewer keypoints are padded between
// their last keypoint and the dustbin: couplings of -inf, marginals of 1, and 1 in `absent`. `absent` is
// added to empty sums, so that the potentials of padding stay 0 and do not influence the others.
struct TransportProblem {
  torch::Tensor couplings;         // (B, N+1, M+1)
  torch::Tensor log_mu, log_nu;    // (B or 1, N+1), (B or 1, M+1)
  torch::Tensor norm;              // (B or 1, 1): -log of the number of keypoints of both images
  torch::Tensor absent0, absent1;  // (B, N+1), (B, M+1): 1 for padding, else 0; undefined without padding
};

// The log assignment (B, N+1, M+1), multiplied by the number of keypoints.
torch::Tensor SolveTransportProblem(const TransportProblem& problem, int num_iterations);

}  // namespace colmatch
