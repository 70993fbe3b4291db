// Pairs gathered until the matcher takes them at once: many on a GPU, one by one on the CPU. What matching
// needs of one image alone is computed once, not once a pair.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "plugin/lru_cache.h"
#include "plugin/matching_setup.h"

namespace colmatch {

class PairBatch {
 public:
  // An image and its number, which is nobody else's.
  struct NumberedImage {
    uint32_t number;
    const Features& features;
  };

  // num_prepared: images that stay prepared.
  PairBatch(FeatureMatcher& matcher, size_t num_prepared) : matcher_(matcher), prepared_(num_prepared) {}

  // `then` gets the pair's matches with this or a later call of Add or Finish, in the order of the calls.
  void Add(const NumberedImage& image0, const NumberedImage& image1, std::function<void(PairRows)> then);
  // Those that still wait.
  void Finish();

 private:
  FeatureMatcher& matcher_;
  LruCache<uint32_t, PreparedImage> prepared_;
  std::vector<PreparedPair> pairs_;
  std::vector<std::function<void(PairRows)>> then_;
};

}  // namespace colmatch
