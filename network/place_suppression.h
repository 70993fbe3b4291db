// One place, one keypoint: suppression across the levels of an image pyramid.
#pragma once

#include "network/features.h"

namespace colmatch {

// Of features closer than radius_px to each other (Euclidean, pixels of the image) the strongest stays, with
// its position, descriptor and scale. Sorted by falling score, equal ones in their order; at most
// max_num_features (0 or less: all), so that the budget counts places. radius_px 0: StrongestFeatures.
Features OneFeaturePerPlace(const Features& features, double radius_px, int max_num_features);

}  // namespace colmatch
