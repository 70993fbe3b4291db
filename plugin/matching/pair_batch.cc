// Pairs together; see pair_batch.h.
#include "plugin/matching/pair_batch.h"

#include <utility>

namespace colmatch {
namespace {

// One that is matched and others that wait: a matcher that is done finds the next ones there, also while the
// oldest takes longer than those after it.
constexpr size_t kBatchesAMatcher = 4;

}  // namespace

PairBatch::PairBatch(MatcherPool& matchers, size_t batch_size)
    : matchers_(matchers),
      batch_size_(batch_size),
      results_(kBatchesAMatcher * matchers.size(), "wait for matches") {}

void PairBatch::Add(NumberedImage image0, NumberedImage image1, Then then) {
  pairs_.emplace_back(std::move(image0), std::move(image1));
  then_.push_back(std::move(then));
  if (pairs_.size() >= batch_size_) Submit();
}

void PairBatch::Submit() {
  auto rows = matchers_.Submit(
      [pairs = std::exchange(pairs_, {})](CachingMatcher& matcher) { return matcher.Match(pairs); });
  results_.Add(std::move(rows), [all_then = std::exchange(then_, {})](std::vector<PairRows> all_rows) {
    for (size_t i = 0; i < all_rows.size(); ++i) all_then[i](std::move(all_rows[i]));
  });
}

void PairBatch::Finish() {
  if (!pairs_.empty()) Submit();
  results_.Finish();
}

}  // namespace colmatch
