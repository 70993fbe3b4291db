// Pairs gathered until the matcher takes them at once: many on a GPU, one by one on the CPU.
#pragma once

#include <functional>
#include <vector>

#include "plugin/matching_setup.h"

namespace colmatch {

class PairBatch {
 public:
  explicit PairBatch(FeatureMatcher& matcher) : matcher_(matcher) {}

  // `then` gets the pair's matches with this or a later call of Add or Finish, in the order of the calls.
  void Add(PreparedPair pair, std::function<void(PairRows)> then);
  // Those that still wait.
  void Finish();

 private:
  FeatureMatcher& matcher_;
  std::vector<PreparedPair> pairs_;
  std::vector<std::function<void(PairRows)>> then_;
};

}  // namespace colmatch
