// Held-out photos; see split.h.
#include "training/data/split.h"

#include <algorithm>

namespace colmatch {

PhotoSplit SplitPhotos(int64_t num_photos, double validation_share) {
  PhotoSplit split;
  const bool holds_out = validation_share > 0 && num_photos > 1;
  const auto wanted = holds_out ? static_cast<int64_t>(std::min(1 / validation_share, 1e9)) : 0;
  const int64_t period = std::min(num_photos, std::max<int64_t>(2, wanted));
  for (int64_t i = 0; i < num_photos; ++i) {
    (holds_out && i % period == period - 1 ? split.validation : split.training).push_back(i);
  }
  return split;
}

}  // namespace colmatch
