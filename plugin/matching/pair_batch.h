// Pairs gathered until a matcher takes them at once: many on a GPU, one by one on the CPU.
#pragma once

#include <functional>
#include <vector>

#include "plugin/matching/caching_matcher.h"
#include "plugin/workers/in_order.h"

namespace colmatch {

// One thread at a time. Which pairs are matched together follows from the calls alone, not from which matcher
// was free when.
class PairBatch {
 public:
  using Then = std::function<void(PairRows)>;

  // The pool must outlive it. batch_size: pairs at once, at least 1.
  PairBatch(MatcherPool& matchers, size_t batch_size);
  // As many as the matchers are best given.
  explicit PairBatch(MatcherPool& matchers) : PairBatch(matchers, matchers.front().batch_size()) {}

  // `then` gets the pair's matches with this or a later call of Add or Finish, in the order of the calls.
  // What matching it throws comes through there, once; no pair after it is handed back any more.
  void Add(NumberedImage image0, NumberedImage image1, Then then);
  // Those that still wait.
  void Finish();

 private:
  void Submit();

  MatcherPool& matchers_;
  size_t batch_size_;
  std::vector<NumberedPair> pairs_;
  std::vector<Then> then_;
  InOrder<std::vector<PairRows>> results_;
};

}  // namespace colmatch
