// A matcher that does not compute twice what matching needs of one image alone.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "matcher/feature_matcher.h"
#include "plugin/matching/pair_rows.h"
#include "plugin/workers/engine_pool.h"
#include "plugin/workers/shared_cache.h"

namespace colmatch {

// An image and its number, which is nobody else's.
struct NumberedImage {
  uint32_t number;
  Features features;
};
using NumberedPair = std::pair<NumberedImage, NumberedImage>;

// Images that stay prepared; the matchers of one device may share them.
using PreparedImages = SharedCache<uint32_t, std::shared_ptr<const PreparedImage>>;

// One thread at a time.
class CachingMatcher {
 public:
  CachingMatcher(std::unique_ptr<FeatureMatcher> matcher, std::shared_ptr<PreparedImages> prepared)
      : matcher_(std::move(matcher)), prepared_(std::move(prepared)) {}

  // How many pairs Match is best given; any thread may ask.
  size_t batch_size() const { return static_cast<size_t>(matcher_->batch_size()); }
  std::vector<PairRows> Match(const std::vector<NumberedPair>& pairs);

 private:
  std::shared_ptr<const PreparedImage> Prepared(const NumberedImage& image);

  std::unique_ptr<FeatureMatcher> matcher_;
  std::shared_ptr<PreparedImages> prepared_;
};

using MatcherPool = EnginePool<CachingMatcher>;

}  // namespace colmatch
