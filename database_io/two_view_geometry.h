// Two-view geometry seen from the other image.
#pragma once

#include "util/colmap_types.h"

namespace colmatch {

// Inverse of a row-major 3x3 matrix. Throws InputError if it is singular.
Matrix3 Inverse(const Matrix3& matrix);
Matrix3 Transposed(const Matrix3& matrix);

// The same geometry with the images exchanged, as COLMAP's TwoViewGeometry::Invert: match columns swapped,
// F and E transposed, H inverted, cam2_from_cam1 inverted. Throws InputError if H is singular.
TwoViewGeometry Inverted(const TwoViewGeometry& geometry);

}  // namespace colmatch
