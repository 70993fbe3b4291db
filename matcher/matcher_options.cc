// Options of matching; see matcher_options.h.
#include "matcher/matcher_options.h"

namespace colmatch {

void MatcherOptions::Validate() const {
  superglue.Validate();
  prefilter.Validate();
  kMaxRatio.Require(max_ratio);
  kBatchSize.Require(batch_size);
}

}  // namespace colmatch
