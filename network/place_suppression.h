// One place, one keypoint: suppression across the levels of an image pyramid.
#pragma once

#include "network/features.h"

namespace colmatch {

// Of features closer than radius_px to each other (Euclidean, pixels of the image) the strongest stays, with
// its descriptor, score and scale. Its position becomes that of the feature of the finest level (smallest
// scale) within the radius, which is the most exact. Sorted by falling score, equal ones in their order; at
// most max_num_features (0 or less: all), so that the budget counts places. radius_px 0: StrongestFeatures.
Features OneFeaturePerPlace(const Features& features, double radius_px, int max_num_features);

}  // namespace colmatch
