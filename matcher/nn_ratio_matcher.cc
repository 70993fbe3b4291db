// --matcher nn_ratio: mutual nearest neighbours that pass Lowe's ratio test.
#include "matcher/nearest_neighbor_matcher.h"

namespace colmatch {
namespace {

std::unique_ptr<FeatureMatcher> Make(MatcherSetup setup) {
  NearestNeighborOptions options;
  options.mutual = true;
  options.max_ratio = setup.options.max_ratio;
  return std::make_unique<NearestNeighborMatcher>(std::move(setup), options);
}

std::string ProvenanceOf(const MatcherOptions& options) { return options.kMaxRatio.Note(options.max_ratio); }

}  // namespace

// Declared in matcher_list.cc.
MatcherEntry NnRatioEntry() {
  return {"nn_ratio", "mutual nearest neighbours with the ratio test", /*needs_superglue=*/false, Make,
          ProvenanceOf};
}

}  // namespace colmatch
