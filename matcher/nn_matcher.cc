// --matcher nn: each keypoint of the first image with the most similar one of the second.
#include "matcher/nearest_neighbor_matcher.h"

namespace colmatch {
namespace {

std::unique_ptr<FeatureMatcher> Make(MatcherSetup setup) {
  NearestNeighborOptions options;
  options.mutual = false;
  return std::make_unique<NearestNeighborMatcher>(std::move(setup), options);
}

}  // namespace

// Declared in matcher_list.cc.
MatcherEntry NnEntry() {
  return {"nn", "nearest neighbours of descriptors", /*needs_superglue=*/false, Make, nullptr};
}

}  // namespace colmatch
