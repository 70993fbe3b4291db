// --matcher nn_mutual: keypoints that are each other's most similar one.
#include "matcher/nearest_neighbor_matcher.h"

namespace colmatch {
namespace {

std::unique_ptr<FeatureMatcher> Make(MatcherSetup setup) {
  NearestNeighborOptions options;
  options.mutual = true;
  return std::make_unique<NearestNeighborMatcher>(std::move(setup), options);
}

}  // namespace

// Declared in matcher_list.cc.
MatcherEntry NnMutualEntry() {
  return {"nn_mutual", "mutual nearest neighbours", /*needs_superglue=*/false, Make, nullptr};
}

}  // namespace colmatch
