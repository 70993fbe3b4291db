// Relative rotations of the verified pairs of a database, for plugin/pairs/pair_consistency.h.
#pragma once

#include <vector>

#include "database_io/colmap_database.h"
#include "plugin/pairs/pair_consistency.h"

namespace colmatch {

// Indices are into `images`. Rotations come from E, else from F with the cameras' focal lengths as they stand
// in the database, else from H; of planes both that are possible. A pair whose cameras are spherical or bend
// straight lines has none, unless its pose is stored.
std::vector<RotationEdge> RotationsOfPairs(ColmapDatabase& database, const std::vector<Image>& images);

}  // namespace colmatch
