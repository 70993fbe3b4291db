// What the matchers by nearest neighbours share.
#pragma once

#include <memory>
#include <vector>

#include "matcher/batch_fallback.h"
#include "matcher/feature_matcher.h"
#include "matcher/matcher_list.h"
#include "matcher/nearest_neighbor.h"

namespace colmatch {

// MatchNearestNeighbors on the device, one pair after the other.
class NearestNeighborMatcher : public FeatureMatcher {
 public:
  NearestNeighborMatcher(MatcherSetup setup, const NearestNeighborOptions& options);

  std::shared_ptr<const PreparedImage> Prepare(const Features& features) override;
  std::vector<FeatureMatches> MatchBatch(const std::vector<PreparedPair>& pairs) override;
  std::unique_ptr<FeatureMatcher> ShareOnCpu() const override;

 private:
  struct Image;

  NearestNeighborOptions options_;
  torch::Device device_;
  int batch_size_;
  BatchFallback fallback_;
};

}  // namespace colmatch
