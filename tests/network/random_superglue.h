// A SuperGlue whose batch normalisation does something.
#pragma once

#include <torch/torch.h>

#include "network/superglue.h"

namespace colmatch {

// Norms that are not at their start.
inline SuperGlue Normalized(const SuperGlueArchitecture& architecture) {
  torch::NoGradGuard no_grad;
  SuperGlue network(architecture);
  for (auto& item : network->named_parameters()) {
    if (item.value().dim() == 1) item.value().uniform_(-1, 1);
  }
  for (auto& item : network->named_buffers()) {
    if (item.value().is_floating_point()) item.value().uniform_(0.5, 2);
  }
  network->eval();
  return network;
}

}  // namespace colmatch
