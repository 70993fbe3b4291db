// Where an image was taken (GPS) and which way is down, in the place the file's COLMAP version looks for it.
#pragma once

#include <optional>

#include "database_io/schema.h"
#include "util/colmap_types.h"

namespace colmatch {

// The image's prior_position goes to images.prior_t* (3.8, 3.9) and, if it is whole, to pose_priors (3.10 and
// later), its gravity to pose_priors (4.x), whichever exist. Once an image. A position without altitude is of
// use to spatial_matcher, but no prior: COLMAP's mappers would take an altitude that nobody measured.
void WritePosePriors(Connection& connection, const Dialect& dialect, image_t image_id, const Image& image);

// What pose_priors says, or else images.prior_t*. The first two numbers are finite; the third is NaN where it
// is not known. Throws InputError if a blob does not fit.
std::optional<PositionPrior> ReadPositionPrior(Connection& connection, const Dialect& dialect,
                                               image_t image_id);

// Whole WGS84 positions only: a cartesian prior is none. Throws InputError if a blob does not fit.
std::optional<GeoPosition> ReadPriorPosition(Connection& connection, const Dialect& dialect,
                                             image_t image_id);

}  // namespace colmatch
