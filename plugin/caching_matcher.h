// A matcher that does not compute twice what matching needs of one image alone.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "matcher/frontend.h"
#include "plugin/engine_pool.h"
#include "plugin/lru_cache.h"
#include "plugin/pair_rows.h"

namespace colmatch {

// An image and its number, which is nobody else's.
struct NumberedImage {
  uint32_t number;
  Features features;
};
using NumberedPair = std::pair<NumberedImage, NumberedImage>;

// One thread at a time.
class CachingMatcher {
 public:
  // num_prepared: images that stay prepared.
  CachingMatcher(FeatureMatcher matcher, size_t num_prepared)
      : matcher_(std::move(matcher)), prepared_(num_prepared) {}

  // How many pairs Match is best given; any thread may ask.
  size_t batch_size() const { return static_cast<size_t>(matcher_.batch_size()); }
  std::vector<PairRows> Match(const std::vector<NumberedPair>& pairs);

 private:
  std::shared_ptr<const PreparedImage> Prepared(const NumberedImage& image);

  FeatureMatcher matcher_;
  LruCache<uint32_t, PreparedImage> prepared_;
};

using MatcherPool = EnginePool<CachingMatcher>;

}  // namespace colmatch
