// Python's arrays to LibTorch's tensors.
#pragma once

#include "network/features.h"
#include "python/native/arrays.h"

namespace colmatch {

// Keypoints as they are, in the photo as stored.
Features ToFeatures(const FeatureArrays& arrays);

}  // namespace colmatch
