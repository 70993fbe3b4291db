// SuperGlue that matches as nearest neighbours do, for tests.
#pragma once

#include "network/weights.h"

namespace colmatch {

inline LoadedSuperGlue NearestNeighborSuperGlue(const SuperGlueArchitecture& architecture, double gain = 20) {
  LoadedSuperGlue weights;
  weights.network = SuperGlue(architecture);
  weights.network->InitializeAsNearestNeighbor(gain);
  weights.network->eval();
  return weights;
}

}  // namespace colmatch
