// A rendered building with four equal sides on a square whose surroundings differ: what repeated structure
// does to a reconstruction, with the truth beside it.
#pragma once

#include <cstdint>
#include <vector>

#include "plugin/demo/demo_geometry.h"

namespace colmatch {

inline constexpr double kBuildingWidth_m = 11;  // of a side

// The building's middle is the world's origin, the ground at z = 0. Every side has the same windows, doors
// and bricks, pixel for pixel but for the light; what stands around it is of the seed.
std::vector<DemoGroup> BuildFourSides(uint64_t seed);

}  // namespace colmatch
