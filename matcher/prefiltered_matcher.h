// A matcher behind the prefilter: pairs that fail its test have no matches, without being matched.
#pragma once

#include <memory>
#include <vector>

#include "matcher/feature_matcher.h"
#include "matcher/prefilter.h"

namespace colmatch {

struct PrefilterSetup {
  PrefilterOptions options;                 // resolved: no -1, no -2
  bool in_bf16 = false;                     // products of descriptors
  std::shared_ptr<PrefilterCounts> counts;  // of all matchers that are given the same; may be empty
};

class PrefilteredMatcher : public FeatureMatcher {
 public:
  PrefilteredMatcher(std::unique_ptr<FeatureMatcher> matcher, PrefilterSetup setup);

  std::shared_ptr<const PreparedImage> Prepare(const Features& features) override;
  std::vector<FeatureMatches> MatchBatch(const std::vector<PreparedPair>& pairs) override;
  int batch_size() const override { return matcher_->batch_size(); }
  std::unique_ptr<FeatureMatcher> ShareOnCpu() const override;

 private:
  struct Image;

  bool IsUnpromising(const Image& image0, const Image& image1) const;

  std::unique_ptr<FeatureMatcher> matcher_;
  PrefilterSetup setup_;
};

}  // namespace colmatch
