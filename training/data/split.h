// Which photos are never trained on. SuperPoint and SuperGlue go by the same rule, so that photos held out
// from one are held out from the other too, where both are given the same shards in the same order.
#pragma once

#include <cstdint>
#include <vector>

namespace colmatch {

inline constexpr double kValidationShare = 0.03;  // of the photos

// Photo indices, rising.
struct PhotoSplit {
  std::vector<int64_t> training, validation;
};

// Every n-th photo is held out, n = 1 / validation_share and at least 2: shards list their photos by data
// set, so each set gives its share. At least one is held out, unless the share is 0 or there is only one
// photo.
PhotoSplit SplitPhotos(int64_t num_photos, double validation_share);

}  // namespace colmatch
