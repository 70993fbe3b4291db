// Pairs together; see pair_batch.h.
#include "plugin/pair_batch.h"

#include <utility>

namespace colmatch {

void PairBatch::Add(PreparedPair pair, std::function<void(PairRows)> then) {
  pairs_.push_back(std::move(pair));
  then_.push_back(std::move(then));
  if (static_cast<int>(pairs_.size()) >= matcher_.batch_size()) Finish();
}

void PairBatch::Finish() {
  const auto matches = matcher_.MatchBatch(pairs_);
  for (size_t i = 0; i < matches.size(); ++i) then_[i](RowsOf(matches[i]));
  pairs_.clear();
  then_.clear();
}

}  // namespace colmatch
