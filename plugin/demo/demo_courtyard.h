// The demo scene's architecture: a courtyard corner of a brick and a plaster facade, and what stands in it.
#pragma once

#include <cstdint>
#include <vector>

#include "plugin/demo/demo_geometry.h"

namespace colmatch {

// The corner of the two facades is the world's origin, the courtyard lies at negative y, the ground at z = 0.
// The same seed gives the same buildings.
std::vector<DemoGroup> BuildCourtyard(uint64_t seed);

}  // namespace colmatch
