// Pairs together; see pair_batch.h.
#include "plugin/pair_batch.h"

#include <utility>

#include "plugin/trace.h"

namespace colmatch {

void PairBatch::Add(const NumberedImage& image0, const NumberedImage& image1,
                    std::function<void(PairRows)> then) {
  const auto prepared = [&](const NumberedImage& image) {
    return prepared_.Get(image.number,
                         [&] { return Traced("prepare", [&] { return matcher_.Prepare(image.features); }); });
  };
  const auto prepared0 = prepared(image0), prepared1 = prepared(image1);
  pairs_.push_back({prepared0, prepared1});
  then_.push_back(std::move(then));
  if (static_cast<int>(pairs_.size()) >= matcher_.batch_size()) Finish();
}

void PairBatch::Finish() {
  const auto matches = Traced("match", [&] { return matcher_.MatchBatch(pairs_); });
  for (size_t i = 0; i < matches.size(); ++i) then_[i](RowsOf(matches[i]));
  pairs_.clear();
  then_.clear();
}

}  // namespace colmatch
